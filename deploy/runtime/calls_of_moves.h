// Calls in files of poolings, softmax, and what moves bytes: a[] are the arguments, in the order of
// the kernel's.
#ifndef TUCO_RUNTIME_CALLS_OF_MOVES_H
#define TUCO_RUNTIME_CALLS_OF_MOVES_H

#include "calls.h"
#include "concat.h"
#include "copy_strided.h"
#include "mean.h"
#include "pad.h"
#include "pool.h"
#include "resize.h"
#include "softmax.h"

TUCO_SHARED void tuco_check_pool(tuco_checks* c, const int32_t* a, int32_t average) {
  const tuco_window* g = tuco_expect_window(c, a[2], average);
  if (g == NULL) return;
  tuco_expect(c, g->out_c == g->in_c);
  tuco_expect(c, tuco_area(c, (uint32_t)g->kernel_h, (uint32_t)g->kernel_w) <= TUCO_MOST_CELLS);
  tuco_in_arena(c, a[0], tuco_output_size(c, g), 0);
  tuco_readable(c, a[1], tuco_input_size(c, g));
  tuco_expect_int8(c, a[3]);
  tuco_expect_int8(c, a[4]);
  if (average) tuco_expect_int8(c, a[6]);
}

TUCO_SHARED void tuco_check_max_pool(tuco_checks* c, const int32_t* a) { tuco_check_pool(c, a, 0); }
TUCO_SHARED void tuco_call_max_pool(const tuco_model* m, const int32_t* a) {
  tuco_max_pool(TUCO_OUT, TUCO_IN, TUCO_POINTER(tuco_window, 2), a[3], a[4]);
}

TUCO_SHARED void tuco_check_average_pool(tuco_checks* c, const int32_t* a) {
  tuco_check_pool(c, a, 1);
}
TUCO_SHARED void tuco_call_average_pool(const tuco_model* m, const int32_t* a) {
  tuco_average_pool(TUCO_OUT, TUCO_IN, TUCO_POINTER(tuco_window, 2), a[3], a[4], a[5], a[6]);
}

TUCO_SHARED void tuco_check_mean(tuco_checks* c, const int32_t* a) {
  const uint32_t outputs = tuco_area(c, (uint32_t)a[2], (uint32_t)a[4]);
  tuco_expect(c, a[3] <= TUCO_MOST_CELLS);
  tuco_apart(c, a, outputs, tuco_area(c, outputs, (uint32_t)a[3]));
  tuco_expect_int8(c, a[5]);
  tuco_expect_factor(c, a[6], a[7], a[9]);
  tuco_expect_int8(c, a[8]);
}
TUCO_SHARED void tuco_call_mean(const tuco_model* m, const int32_t* a) {
  tuco_mean(TUCO_OUT, TUCO_IN, a[2], a[3], a[4], a[5], a[6], a[7], a[8], a[9]);
}

TUCO_SHARED void tuco_check_softmax(tuco_checks* c, const int32_t* a) {
  const uint32_t size = tuco_area(c, (uint32_t)a[2], (uint32_t)a[3]);
  tuco_expect(c, a[3] < 4096);
  tuco_in_arena(c, a[0], size, 0);
  tuco_readable(c, a[1], size);
  tuco_expect_factor(c, a[4], a[5], a[7]);
  // The largest difference that counts does not overflow where it is scaled.
  tuco_expect(c, a[6] <= 0 && a[6] > -TUCO_FILE_LIMIT * 8);
  if (c->failed || a[5] <= 0) return;
  tuco_expect(c, -tuco_max(a[6], -255) <= INT32_MAX >> a[5]);
}
TUCO_SHARED void tuco_call_softmax(const tuco_model* m, const int32_t* a) {
  tuco_softmax(TUCO_OUT, TUCO_IN, a[2], a[3], a[4], a[5], a[6], a[7]);
}

TUCO_SHARED void tuco_check_concat(tuco_checks* c, const int32_t* a) {
  const uint32_t whole = tuco_area(c, (uint32_t)a[2], (uint32_t)a[4]);
  tuco_expect_in(c, a[3], 1, a[4]);
  if (!c->failed) tuco_expect_in(c, a[5], 0, a[4] - a[3]);
  tuco_in_arena(c, a[0], whole, 0);
  if (c->failed) return;
  // A part that lies in the output as another part may be copied from there.
  const int32_t places[2] = {a[0] + (a[2] == 1 ? a[5] : 0), a[1]};
  const uint32_t part = tuco_area(c, (uint32_t)a[2], (uint32_t)a[3]);
  tuco_apart(c, places, a[2] == 1 ? part : whole, part);
}
TUCO_SHARED void tuco_call_concat(const tuco_model* m, const int32_t* a) {
  tuco_concat(TUCO_OUT, TUCO_IN, a[2], a[3], a[4], a[5]);
}

TUCO_SHARED void tuco_check_pad(tuco_checks* c, const int32_t* a) {
  for (int32_t i = 5; i < 11; i++) tuco_expect_in(c, a[i], 0, TUCO_FILE_LIMIT);
  const uint32_t inputs = tuco_volume(c, a[2], a[3], a[4]);
  if (c->failed) return;
  tuco_apart(c, a, tuco_volume(c, a[5] + a[2] + a[6], a[7] + a[3] + a[8], a[9] + a[4] + a[10]),
             inputs);
  tuco_expect_int8(c, a[11]);
}
TUCO_SHARED void tuco_call_pad(const tuco_model* m, const int32_t* a) {
  tuco_pad(TUCO_OUT, TUCO_IN, a[2], a[3], a[4], a[5], a[6], a[7], a[8], a[9], a[10], a[11]);
}

TUCO_SHARED void tuco_check_copy_strided(tuco_checks* c, const int32_t* a) {
  const tuco_strides* g = TUCO_STRUCT(tuco_strides, a[2]);
  if (c->failed) return;
  const uint32_t outputs = tuco_span_size(c, g->size);
  tuco_apart(c, a, outputs, tuco_span(c, g->size, g->step));
}
TUCO_SHARED void tuco_call_copy_strided(const tuco_model* m, const int32_t* a) {
  tuco_copy_strided(TUCO_OUT, TUCO_IN, TUCO_POINTER(tuco_strides, 2));
}

// How many cells the steps go, the first one included.
TUCO_SHARED uint32_t tuco_expect_steps(tuco_checks* c, int32_t at, int32_t count) {
  const int8_t* step = (const int8_t*)tuco_in_file(c, (uint32_t)at, (uint32_t)count, 1);
  uint32_t cells = 1;
  if (c->failed) return cells;
  for (int32_t i = 0; i < count; i++) {
    tuco_expect(c, step[i] >= 0);
    cells += (uint32_t)(uint8_t)step[i];
  }
  return cells;
}

TUCO_SHARED void tuco_check_resize_nearest(tuco_checks* c, const int32_t* a) {
  const uint32_t outputs = tuco_volume(c, a[4], a[5], a[3]);
  const uint32_t rows = tuco_expect_steps(c, a[6], a[4]);
  const uint32_t columns = tuco_expect_steps(c, a[7], a[5]);
  if (c->failed) return;
  tuco_expect(c, columns <= (uint32_t)a[2]);
  tuco_apart(c, a, outputs, tuco_area(c, tuco_area(c, rows, (uint32_t)a[2]), (uint32_t)a[3]));
}
TUCO_SHARED void tuco_call_resize_nearest(const tuco_model* m, const int32_t* a) {
  tuco_resize_nearest(TUCO_OUT, TUCO_IN, a[2], a[3], a[4], a[5], TUCO_INT8(6), TUCO_INT8(7));
}

#endif
