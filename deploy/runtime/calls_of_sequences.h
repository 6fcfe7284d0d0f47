// Calls in files of recurrent layers: a[] are the arguments, in the order of the kernel's.
#ifndef TUCO_RUNTIME_CALLS_OF_SEQUENCES_H
#define TUCO_RUNTIME_CALLS_OF_SEQUENCES_H

#include "calls.h"
#include "lstm.h"

// The multipliers of the gates.
TUCO_SHARED void tuco_expect_gates(tuco_checks* c, const int32_t* multiplier, const int32_t* shift,
                                   int32_t rounding) {
  for (int32_t k = 0; k < 4; k++) tuco_expect_factor(c, multiplier[k], shift[k], rounding);
}

// A multiplier of products of int16, which makes them smaller.
TUCO_SHARED void tuco_expect_share(tuco_checks* c, int32_t multiplier, int32_t shift,
                                   int32_t rounding) {
  tuco_expect_factor(c, multiplier, shift, rounding);
  tuco_expect(c, shift < 0);
}

TUCO_SHARED void tuco_check_lstm(tuco_checks* c, const int32_t* a) {
  const tuco_lstm_numbers* n = TUCO_STRUCT(tuco_lstm_numbers, a[9]);
  if (c->failed) return;
  const uint32_t units = (uint32_t)n->units;
  const uint32_t outputs = tuco_area(c, (uint32_t)n->steps, units);
  const uint32_t inputs = tuco_area(c, (uint32_t)n->steps, (uint32_t)n->inputs);
  tuco_expect(c, n->inputs <= TUCO_MOST_PLAIN_PRODUCTS && n->units <= TUCO_MOST_PLAIN_PRODUCTS);
  if (c->failed) return;
  const uint32_t depth = (uint32_t)tuco_lstm_scratch(n->inputs, n->units);
  tuco_in_arena(c, a[0], outputs, 0);
  tuco_in_arena(c, a[1], inputs, 0);
  tuco_in_arena(c, a[2], units, 0);
  tuco_in_arena(c, a[3], 2 * units, 1);
  tuco_readable(c, a[4], units);
  if ((uint32_t)a[5] & TUCO_IN_FILE)
    tuco_in_file(c, (uint32_t)a[5], units, 2);
  else
    tuco_in_arena(c, a[5], 2 * units, 1);
  tuco_in_arena(c, a[6], depth, 1);
  tuco_in_file(c, (uint32_t)a[7], tuco_area(c, units, depth), 4);
  const int32_t* bias =
      (const int32_t*)(const void*)tuco_in_file(c, (uint32_t)a[8], tuco_area(c, units, 8), 4);
  if (c->failed) return;
  // So many products are below 2^29, and with the bias below 2^30.
  for (uint32_t i = 0; i < 8 * units; i++) tuco_expect_in(c, bias[i], -(1 << 29), 1 << 29);
  tuco_expect_gates(c, n->input_multiplier, n->input_shift, n->rounding);
  tuco_expect_gates(c, n->recurrent_multiplier, n->recurrent_shift, n->rounding);
  tuco_expect_share(c, n->forget_multiplier, n->forget_shift, n->rounding);
  tuco_expect_share(c, n->update_multiplier, n->update_shift, n->rounding);
  tuco_expect_share(c, n->output_multiplier, n->output_shift, n->rounding);
  tuco_expect_in(c, n->tanh_multiplier, 0, 3 << 12);
  tuco_expect_in(c, n->tanh_shift, 0, 15);
  tuco_expect_in(c, n->cell_low, -32768, 32767);
  tuco_expect_in(c, n->cell_high, -32768, 32767);
  tuco_expect_int8(c, n->zero_point);
}

TUCO_SHARED void tuco_call_lstm(const tuco_model* m, const int32_t* a) {
  tuco_lstm(TUCO_OUT, TUCO_IN, m->arena + a[2], TUCO_SCRATCH(3), TUCO_INT8(4), TUCO_INT16(5),
            TUCO_SCRATCH(6), TUCO_INT16(7), TUCO_INT32(8), TUCO_POINTER(tuco_lstm_numbers, 9));
}

TUCO_SHARED void tuco_check_lstm_plain(tuco_checks* c, const int32_t* a) { tuco_check_lstm(c, a); }
TUCO_SHARED void tuco_call_lstm_plain(const tuco_model* m, const int32_t* a) {
  tuco_lstm_plain(TUCO_OUT, TUCO_IN, m->arena + a[2], TUCO_SCRATCH(3), TUCO_INT8(4), TUCO_INT16(5),
                  TUCO_SCRATCH(6), TUCO_INT8(7), TUCO_INT32(8), TUCO_POINTER(tuco_lstm_numbers, 9));
}

#endif
