// Addition and subtraction of two tensors of different scales. With s = 2 * max(a_scale, b_scale),
// the factors are a_scale / s and b_scale / s for the inputs and s / (2^20 * out_scale) for the
// result.
#ifndef TUCO_RUNTIME_ADD_H
#define TUCO_RUNTIME_ADD_H

#include "broadcast.h"
#include "requantize.h"

typedef struct {
  int32_t a_zero_point, a_multiplier, a_shift;
  int32_t b_zero_point, b_multiplier, b_shift;
  int32_t out_zero_point, out_multiplier, out_shift;
  int32_t low, high;  // the activation's range in int8
  int32_t rounding;   // TUCO_DOUBLE_ROUNDING or TUCO_SINGLE_ROUNDING
} tuco_addition;

// a + b, or a - b where `subtract` is 1.
TUCO_INLINE int8_t tuco_sum(int8_t a, int8_t b, int32_t subtract, const tuco_addition* p) {
  const int32_t x = tuco_scaled(tuco_wrapping_shift(a - p->a_zero_point, 20), p->a_multiplier,
                                p->a_shift, p->rounding);
  const int32_t y = tuco_scaled(tuco_wrapping_shift(b - p->b_zero_point, 20), p->b_multiplier,
                                p->b_shift, p->rounding);
  const int32_t sum =
      tuco_scaled(subtract ? x - y : x + y, p->out_multiplier, p->out_shift, p->rounding);
  return (int8_t)tuco_clamped(sum + p->out_zero_point, p->low, p->high);
}

// out[i] = a[i] + b[i]; out may be a or b.
TUCO_KERNEL void tuco_add(int8_t* out, const int8_t* a, const int8_t* b, int32_t size,
                          const tuco_addition* p) {
  for (int32_t i = 0; i < size; i++) out[i] = tuco_sum(a[i], b[i], 0, p);
}

// Sum or difference of operands that broadcast; out may be an operand of its size.
TUCO_INLINE void tuco_sum_broadcast(int8_t* out, const int8_t* a, const int8_t* b,
                                    const tuco_broadcast* g, int32_t subtract,
                                    const tuco_addition* p) {
  tuco_run run = {{0, 0, 0}, 0, 0};
  for (int32_t k = tuco_runs(g); k > 0; k--, out += g->size[3], tuco_next_run(g, &run))
    for (int32_t i = 0; i < g->size[3]; i++)
      out[i] = tuco_sum(a[run.a + i * g->a_step[3]], b[run.b + i * g->b_step[3]], subtract, p);
}
TUCO_KERNEL void tuco_add_broadcast(int8_t* out, const int8_t* a, const int8_t* b,
                                    const tuco_broadcast* g, const tuco_addition* p) {
  tuco_sum_broadcast(out, a, b, g, 0, p);
}
TUCO_KERNEL void tuco_subtract(int8_t* out, const int8_t* a, const int8_t* b,
                               const tuco_broadcast* g, const tuco_addition* p) {
  tuco_sum_broadcast(out, a, b, g, 1, p);
}

#endif
