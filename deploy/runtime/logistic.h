// The logistic function, 1 / (1 + exp(-x)). The output has scale 1/256 and zero point -128.
#ifndef TUCO_RUNTIME_LOGISTIC_H
#define TUCO_RUNTIME_LOGISTIC_H

#include "fixed_point.h"

// out[i] from in[i]. multiplier and shift are those of in_scale * 2^27; inputs of at least `radius`
// = floor(15 * 2^27 / 2^shift) on either side of the zero point give 0 and 1. out may be in.
TUCO_KERNEL void tuco_logistic(int8_t* out, const int8_t* in, int32_t size, int32_t in_zero_point,
                               int32_t multiplier, int32_t shift, int32_t radius,
                               int32_t rounding) {
  for (int32_t i = 0; i < size; i++) {
    const int32_t x = in[i] - in_zero_point;
    int32_t y = x < 0 ? 0 : 255;
    if (x > -radius && x < radius) {
      const int32_t scaled = tuco_scaled(x, multiplier, shift, rounding);
      int32_t value = 1 << 30;
      if (scaled > 0)
        value = tuco_reciprocal(tuco_exp(-scaled, 4));
      else if (scaled < 0)
        value = INT32_MAX - tuco_reciprocal(tuco_exp(scaled, 4));
      y = tuco_min(tuco_rounded_shift(value, 23), 255);
    }
    out[i] = (int8_t)(y - 128);
  }
}

#endif
