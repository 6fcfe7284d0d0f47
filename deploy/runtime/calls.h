// How the arguments of a call in a file become those of a kernel.
#ifndef TUCO_RUNTIME_CALLS_H
#define TUCO_RUNTIME_CALLS_H

#include "checks.h"

// A file that has been checked, and its arena.
typedef struct {
  const uint8_t* file;
  int8_t* arena;
} tuco_model;

// The address that an argument stands for.
TUCO_INLINE const void* tuco_at(const tuco_model* m, int32_t argument) {
  const uint32_t at = (uint32_t)argument;
  return at & TUCO_IN_FILE ? (const void*)(m->file + (at & ~TUCO_IN_FILE))
                           : (const void*)(m->arena + at);
}

// Biases of plain kernels.
TUCO_INLINE const int32_t* tuco_biases_at(const tuco_model* m, int32_t argument) {
  return argument == 0 ? NULL : (const int32_t*)tuco_at(m, argument);
}

TUCO_INLINE tuco_requantization tuco_requantization_at(const tuco_model* m, int32_t argument) {
  const tuco_file_requantization* f = (const tuco_file_requantization*)tuco_at(m, argument);
  const tuco_requantization r = {(const int32_t*)tuco_at(m, (int32_t)f->multiplier),
                                 (const int8_t*)tuco_at(m, (int32_t)f->shift),
                                 f->per_channel,
                                 f->zero_point,
                                 f->low,
                                 f->high,
                                 f->rounding};
  return r;
}

// Output and first input, which come first in all calls, and arguments by their type.
#define TUCO_OUT (m->arena + a[0])
#define TUCO_IN ((const int8_t*)tuco_at(m, a[1]))
#define TUCO_SCRATCH(i) ((int16_t*)(void*)(m->arena + a[i]))
#define TUCO_INT8(i) ((const int8_t*)tuco_at(m, a[i]))
#define TUCO_INT16(i) ((const int16_t*)tuco_at(m, a[i]))
#define TUCO_INT32(i) ((const int32_t*)tuco_at(m, a[i]))
#define TUCO_POINTER(type, i) ((const type*)tuco_at(m, a[i]))

#endif
