// A layer of long short-term memory (Hochreiter and Schmidhuber, Neural Computation 9(8), 1997)
// over a sequence, for one example: four gates for each unit, input, forget, cell and output, as
// int16; the cells are int16, whose scale is a power of two; what goes in and out is int8.
#ifndef TUCO_RUNTIME_LSTM_H
#define TUCO_RUNTIME_LSTM_H

#include "dot.h"
#include "gate.h"
#include "memory.h"
#include "requantize.h"
#include "row.h"

// Multipliers and shifts of requantize.h, of which four are one for each gate.
typedef struct {
  int32_t steps, inputs, units;
  // From sums of products with inputs, and with what the units gave last, to a gate's scale.
  int32_t input_multiplier[4], input_shift[4];
  int32_t recurrent_multiplier[4], recurrent_shift[4];
  // From forget gate times cell, and input gate times cell gate, to the cell's scale, and from
  // output gate times tanh of the cell to the output's.
  int32_t forget_multiplier, forget_shift;
  int32_t update_multiplier, update_shift;
  int32_t output_multiplier, output_shift;
  // From the cell's scale to that of tuco_tanh16.
  int32_t tanh_multiplier, tanh_shift;
  int32_t cell_low, cell_high;  // int16, or less where cells are clipped
  int32_t zero_point, rounding;
} tuco_lstm_numbers;

// Inputs and units are followed by zeros up to a multiple of 4.
TUCO_INLINE int32_t tuco_lstm_depth(int32_t size) { return (size + 3) & ~3; }

// Bytes of scratch memory.
TUCO_INLINE int32_t tuco_lstm_scratch(int32_t inputs, int32_t units) {
  return tuco_lstm_depth(inputs) + tuco_lstm_depth(units);
}

TUCO_INLINE int32_t tuco_int16(int32_t value) {
#if TUCO_THUMB2
  __asm__("ssat %0, #16, %1" : "=r"(value) : "r"(value));
  return value;
#else
  return tuco_clamped(value, -32768, 32767);
#endif
}

// What few factors need has one copy beside the loop.
TUCO_NOINLINE TUCO_SHARED int32_t tuco_scaled_apart(int32_t x, int32_t multiplier, int32_t shift,
                                                    int32_t rounding) {
  return tuco_scaled(x, multiplier, shift, rounding);
}

// x * multiplier / 2^31 * 2^shift in the given rounding, for |x| below 2^30.
TUCO_INLINE int32_t tuco_lstm_scaled(int32_t x, int32_t multiplier, int32_t shift,
                                     int32_t rounding) {
  return shift < 0 && rounding == TUCO_DOUBLE_ROUNDING
             ? tuco_finished(2 * x, multiplier, -shift, 0)
             : tuco_scaled_apart(x, multiplier, shift, rounding);
}

// Adds to four gates what their weights at w, in pairs or plain (4, depth), and biases
// make of `depth` values. Both forms take four bytes for each value.
TUCO_INLINE void tuco_add_to_gates(int32_t gate[4], const int8_t* x, int32_t depth, const void* w,
                                   int32_t pairs, const int32_t* bias, const int32_t* multiplier,
                                   const int32_t* shift, int32_t rounding) {
  int32_t sum[4] = {0, 0, 0, 0};
  if (pairs)
    tuco_four_channel_sums(sum, (const int16_t*)w, x, depth);
  else
    tuco_dot4(sum, x, 0, (const int8_t*)w, depth, depth);
#define TUCO_GATE(k)    \
  gate[k] = tuco_int16( \
      gate[k] + tuco_int16(tuco_lstm_scaled(sum[k] + bias[k], multiplier[k], shift[k], rounding)))
  TUCO_GATE(0);
  TUCO_GATE(1);
  TUCO_GATE(2);
  TUCO_GATE(3);
#undef TUCO_GATE
}

// What a unit gives for a step's inputs x and for h, what the units gave last, both filled up with
// zeros; `cell` becomes what it remembers. Its weights are at w, its biases at b.
TUCO_INLINE int8_t tuco_lstm_unit(int16_t* cell, const int8_t* x, const int8_t* h, const int8_t* w,
                                  int32_t pairs, const int32_t* b, const tuco_lstm_numbers* n) {
  const int32_t depth = tuco_lstm_depth(n->inputs), rounding = n->rounding;
  int32_t gate[4] = {0, 0, 0, 0};
  tuco_add_to_gates(gate, x, depth, w, pairs, b, n->input_multiplier, n->input_shift, rounding);
  tuco_add_to_gates(gate, h, tuco_lstm_depth(n->units), w + 4 * depth, pairs, b + 4,
                    n->recurrent_multiplier, n->recurrent_shift, rounding);
  const int32_t kept = tuco_int16(tuco_lstm_scaled(
      tuco_sigmoid16(gate[1]) * *cell, n->forget_multiplier, n->forget_shift, rounding));
  const int32_t update =
      tuco_int16(tuco_lstm_scaled(tuco_sigmoid16(gate[0]) * tuco_tanh16(gate[2], 3, 0),
                                  n->update_multiplier, n->update_shift, rounding));
  const int32_t c = tuco_clamped(kept + update, n->cell_low, n->cell_high);
  *cell = (int16_t)c;
  const int32_t product =
      tuco_tanh16(c, n->tanh_multiplier, n->tanh_shift) * tuco_sigmoid16(gate[3]);
  const int32_t y =
      tuco_lstm_scaled(product, n->output_multiplier, n->output_shift, rounding) + n->zero_point;
  return tuco_bounded(y, -128, 127);
}

TUCO_INLINE void tuco_lstm_steps(int8_t* out, const int8_t* in, int8_t* hidden, int16_t* cell,
                                 const int8_t* first_hidden, const int16_t* first_cell,
                                 int8_t* scratch, const void* weights, int32_t pairs,
                                 const int32_t* bias, const tuco_lstm_numbers* n) {
  const int32_t inputs = n->inputs, units = n->units;
  const int32_t depth = tuco_lstm_depth(inputs), recurrent = tuco_lstm_depth(units);
  int8_t* const x = scratch;
  int8_t* const h = scratch + depth;
  tuco_fill(scratch, 0, (size_t)(depth + recurrent));
  for (int32_t u = 0; u < units; u++) {
    h[u] = first_hidden[u];
    cell[u] = first_cell[u];
  }
  for (int32_t t = 0; t < n->steps; t++, in += inputs, out += units) {
    for (int32_t i = 0; i < inputs; i++) x[i] = in[i];
    const int8_t* w = (const int8_t*)weights;
    const int32_t* b = bias;
    for (int32_t u = 0; u < units; u++, b += 8, w += 4 * (depth + recurrent))
      out[u] = tuco_lstm_unit(&cell[u], x, h, w, pairs, b, n);
    for (int32_t u = 0; u < units; u++) h[u] = out[u];
  }
  for (int32_t u = 0; u < units; u++) hidden[u] = h[u];
}

// out (steps, units) from in (steps, inputs). hidden and cell (units) are what the units give and
// remember at the end; they begin as first_hidden and first_cell, which may be the same memory.
// weights: for each unit the four gates' for the inputs, then for the hidden values, both filled up
// with zeros to a multiple of 4, in the form of tuco_four_channel_sums. bias: for each unit the
// four gates' and then four for the hidden values; the zero points are folded into them. out may
// begin before in, as far as no input is overwritten that has still to be read: inputs are read a
// step at a time. Sums with their biases are below 2^30.
TUCO_KERNEL void tuco_lstm(int8_t* out, const int8_t* in, int8_t* hidden, int16_t* cell,
                           const int8_t* first_hidden, const int16_t* first_cell, int16_t* scratch,
                           const int16_t* weights, const int32_t* bias,
                           const tuco_lstm_numbers* n) {
  tuco_lstm_steps(out, in, hidden, cell, first_hidden, first_cell, (int8_t*)scratch, weights, 1,
                  bias, n);
}

// The same for weights of int8 (4, depth), which need not be fit for pairs.
TUCO_KERNEL void tuco_lstm_plain(int8_t* out, const int8_t* in, int8_t* hidden, int16_t* cell,
                                 const int8_t* first_hidden, const int16_t* first_cell,
                                 int16_t* scratch, const int8_t* weights, const int32_t* bias,
                                 const tuco_lstm_numbers* n) {
  tuco_lstm_steps(out, in, hidden, cell, first_hidden, first_cell, (int8_t*)scratch, weights, 0,
                  bias, n);
}

#endif
