// Models in files (.tuco, model_file.h), for programs whose model is to be replaced without
// building them anew. A file is read where it lies, in flash; before its first run every offset,
// size, type and number in it is checked, and the checksum. No heap, no floating point, and nothing
// is written outside of the arena.
//
//   static _Alignas(4) int8_t arena[60000];
//   tuco_model model;
//   if (tuco_model_open(&model, file, file_bytes, arena, sizeof arena, NULL) != TUCO_OK) ...
//   memcpy(tuco_model_input(&model), pixels, tuco_model_header(&model)->input.bytes);
//   const int8_t* output = tuco_model_run(&model);
#ifndef TUCO_RUNTIME_MODEL_H
#define TUCO_RUNTIME_MODEL_H

// One copy of each kernel serves all calls.
#ifndef TUCO_KERNEL
#define TUCO_KERNEL TUCO_SHARED
#endif

#include "calls_of_elements.h"
#include "calls_of_moves.h"
#include "calls_of_products.h"
#include "calls_of_sequences.h"
#include "kernel_list.h"
#include "memory.h"

// What may be wrong with a file.
enum {
  TUCO_OK = 0,
  TUCO_NO_MODEL,         // it does not begin as a model does, or is too short for that
  TUCO_OTHER_VERSION,    // its version is another than TUCO_FILE_VERSION
  TUCO_CUT_OFF,          // it ends before its end, or its length is no possible one
  TUCO_DAMAGED,          // the checksum is wrong
  TUCO_MISALIGNED,       // file or arena does not begin at a multiple of 4
  TUCO_ARENA_TOO_SMALL,  // header.arena_bytes are needed
  TUCO_UNKNOWN_KERNEL,   // a call of a kernel that this program has not got
  TUCO_WRONG_CALL,       // a call reaches outside of file or arena, or a number in it is wrong
  TUCO_WRONG_HEADER      // input, output, states or the classes' names are not where they should be
};

TUCO_INLINE const tuco_file_header* tuco_model_header(const tuco_model* m) {
  return (const tuco_file_header*)(const void*)m->file;
}

// Where the input is to be written, as many values as the header says. A run overwrites it.
TUCO_INLINE int8_t* tuco_model_input(const tuco_model* m) {
  return m->arena + tuco_model_header(m)->input.place;
}

// The name of a class, below header.class_count.
TUCO_SHARED const char* tuco_model_class(const tuco_model* m, uint32_t index) {
  const char* name = (const char*)m->file + tuco_model_header(m)->classes;
  for (; index > 0; name++)
    if (*name == 0) index--;
  return name;
}

// Checks the arguments of a call and returns TUCO_OK, TUCO_UNKNOWN_KERNEL or TUCO_WRONG_CALL.
TUCO_SHARED int32_t tuco_check_call(tuco_checks* c, uint32_t kernel, uint32_t count,
                                    const int32_t* a) {
  switch (kernel) {
#define TUCO_CASE(number, name, NAME, arguments)             \
  case number:                                               \
    if (!TUCO_IS_WANTED(number)) return TUCO_UNKNOWN_KERNEL; \
    if (count != arguments) return TUCO_WRONG_CALL;          \
    tuco_check_##name(c, a);                                 \
    break;
    TUCO_KERNELS(TUCO_CASE)
#undef TUCO_CASE
    default:
      return TUCO_UNKNOWN_KERNEL;
  }
  return c->failed ? TUCO_WRONG_CALL : TUCO_OK;
}

// The zero-ended names of the classes.
TUCO_SHARED void tuco_check_classes(tuco_checks* c, uint32_t at, uint32_t count) {
  const uint32_t end = c->file_bytes;
  tuco_expect(c, at <= end);
  for (uint32_t i = at; count > 0 && !c->failed; i++) {
    tuco_expect(c, i < end);
    if (!c->failed && c->file[i] == 0) count--;
  }
}

// The states, each of which lies in the arena.
TUCO_SHARED void tuco_check_states(tuco_checks* c, uint32_t at, uint32_t count) {
  tuco_expect(c, at < TUCO_IN_FILE && count <= c->file_bytes / sizeof(tuco_file_state));
  if (c->failed) return;
  const tuco_file_state* state = (const tuco_file_state*)(const void*)tuco_in_file(
      c, TUCO_IN_FILE | at, count * (uint32_t)(sizeof *state / 4), 4);
  for (; count > 0 && !c->failed; count--, state++) {
    tuco_in_arena(c, (int32_t)state->place, state->bytes, 0);
    if (state->initial & TUCO_IN_FILE)
      tuco_in_file(c, state->initial, state->bytes, 1);
    else
      tuco_expect_int8(c, (int32_t)(state->initial ^ 128) - 128);
  }
}

// Makes the next run of a model a first one: what the last run left is forgotten.
TUCO_SHARED void tuco_model_reset(const tuco_model* m) {
  const tuco_file_header* h = tuco_model_header(m);
  const tuco_file_state* state = (const tuco_file_state*)(const void*)(m->file + h->states);
  for (uint32_t i = 0; i < h->state_count; i++, state++) {
    int8_t* const place = m->arena + state->place;
    if (state->initial & TUCO_IN_FILE)
      tuco_copy(place, (const int8_t*)tuco_at(m, (int32_t)state->initial), state->bytes);
    else
      tuco_fill(place, (int8_t)state->initial, state->bytes);
  }
}

// Checks a file, of which `bytes` bytes are there, and an arena, and makes a model of them, which
// keeps both addresses: neither may move, and the file may not change. Returns TUCO_OK, or what is
// wrong, in which case the model may not be used. `call`, unless it is null, is set to the number
// of the call that is wrong.
TUCO_SHARED int32_t tuco_model_check(tuco_model* m, const void* file, size_t bytes, void* arena,
                                     size_t arena_bytes, uint32_t* call) {
  const tuco_file_header* h = (const tuco_file_header*)file;
  if (((uintptr_t)file | (uintptr_t)arena) % 4 != 0) return TUCO_MISALIGNED;
  if (bytes < sizeof *h || h->magic != TUCO_FILE_MAGIC) return TUCO_NO_MODEL;
  if (h->version != TUCO_FILE_VERSION) return TUCO_OTHER_VERSION;
  if (h->file_bytes > bytes || h->file_bytes > TUCO_FILE_LIMIT || h->file_bytes < sizeof *h)
    return TUCO_CUT_OFF;
  const uint8_t* const start = (const uint8_t*)file;
  if (tuco_crc32(start + TUCO_FILE_CHECKED_FROM, h->file_bytes - TUCO_FILE_CHECKED_FROM) !=
      h->checksum)
    return TUCO_DAMAGED;
  if (h->arena_bytes > arena_bytes) return TUCO_ARENA_TOO_SMALL;

  tuco_checks checks = {start, h->file_bytes, h->arena_bytes, h->arena_bytes > TUCO_FILE_LIMIT};
  tuco_in_arena(&checks, (int32_t)h->input.place, h->input.bytes, 0);
  tuco_in_arena(&checks, (int32_t)h->output.place, h->output.bytes, 0);
  tuco_check_classes(&checks, h->classes, h->class_count);
  tuco_check_states(&checks, h->states, h->state_count);
  uint32_t at = h->calls;
  tuco_expect(&checks, at % 4 == 0 && at <= h->file_bytes);
  if (checks.failed) return TUCO_WRONG_HEADER;
  for (uint32_t i = 0; i < h->call_count; i++) {
    if (call != NULL) *call = i;
    uint32_t left = (h->file_bytes - at) / 4;
    if (left == 0) return TUCO_WRONG_CALL;
    const uint32_t word = *(const uint32_t*)(const void*)(start + at);
    const uint32_t count = word >> 16;
    if (--left < count) return TUCO_WRONG_CALL;
    const int32_t status = tuco_check_call(&checks, word & 0xffff, count,
                                           (const int32_t*)(const void*)(start + at + 4));
    if (status != TUCO_OK) return status;
    at += 4 + 4 * count;
  }
  m->file = start;
  m->arena = (int8_t*)arena;
  return TUCO_OK;
}

// The same, and makes the model's next run a first one.
TUCO_SHARED int32_t tuco_model_open(tuco_model* m, const void* file, size_t bytes, void* arena,
                                    size_t arena_bytes, uint32_t* call) {
  const int32_t status = tuco_model_check(m, file, bytes, arena, arena_bytes, call);
  if (status == TUCO_OK) tuco_model_reset(m);
  return status;
}

// Runs a model that was opened, and returns its output, which lies in the arena.
TUCO_SHARED const int8_t* tuco_model_run(const tuco_model* m) {
  const tuco_file_header* h = tuco_model_header(m);
  const uint32_t* word = (const uint32_t*)(const void*)(m->file + h->calls);
  for (uint32_t i = 0; i < h->call_count; i++) {
    const int32_t* a = (const int32_t*)(const void*)(word + 1);
    switch (*word & 0xffff) {
#define TUCO_CASE(number, name, NAME, arguments)        \
  case number:                                          \
    if (TUCO_IS_WANTED(number)) tuco_call_##name(m, a); \
    break;
      TUCO_KERNELS(TUCO_CASE)
#undef TUCO_CASE
      default:
        break;
    }
    word += 1 + (*word >> 16);
  }
  return m->arena + h->output.place;
}

#endif
