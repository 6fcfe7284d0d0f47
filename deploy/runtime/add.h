// Addition of two tensors of different scales. With s = 2 * max(a_scale, b_scale), the factors are
// a_scale / s and b_scale / s for the inputs and s / (2^20 * out_scale) for the sum.
#ifndef TUCO_RUNTIME_ADD_H
#define TUCO_RUNTIME_ADD_H

#include "requantize.h"

typedef struct {
  int32_t a_zero_point, a_multiplier, a_shift;
  int32_t b_zero_point, b_multiplier, b_shift;
  int32_t out_zero_point, out_multiplier, out_shift;
  int32_t low, high;  // the activation's range in int8
  int32_t rounding;   // TUCO_DOUBLE_ROUNDING or TUCO_SINGLE_ROUNDING
} tuco_addition;

// out[i] = a[i] + b[i]; out may be a or b.
TUCO_KERNEL void tuco_add(int8_t* out, const int8_t* a, const int8_t* b, int32_t size,
                          const tuco_addition* p) {
  for (int32_t i = 0; i < size; i++) {
    const int32_t x = tuco_scaled(tuco_wrapping_shift(a[i] - p->a_zero_point, 20), p->a_multiplier,
                                  p->a_shift, p->rounding);
    const int32_t y = tuco_scaled(tuco_wrapping_shift(b[i] - p->b_zero_point, 20), p->b_multiplier,
                                  p->b_shift, p->rounding);
    const int32_t sum = tuco_scaled(x + y, p->out_multiplier, p->out_shift, p->rounding);
    out[i] = (int8_t)tuco_clamped(sum + p->out_zero_point, p->low, p->high);
  }
}

#endif
