// The hyperbolic tangent. The output has scale 1/128 and zero point 0.
#ifndef TUCO_RUNTIME_TANH_H
#define TUCO_RUNTIME_TANH_H

#include "fixed_point.h"

// out[i] from in[i]. multiplier, shift and radius are as in logistic.h. out may be in.
TUCO_KERNEL void tuco_tanh(int8_t* out, const int8_t* in, int32_t size, int32_t in_zero_point,
                           int32_t multiplier, int32_t shift, int32_t radius, int32_t rounding) {
  for (int32_t i = 0; i < size; i++) {
    const int32_t x = in[i] - in_zero_point;
    int32_t y = x < 0 ? -128 : 127;
    if (x > -radius && x < radius) {
      const int32_t scaled = tuco_scaled(x, multiplier, shift, rounding);
      // -|x| read with 5 integer bits is -2|x|; tanh|x| = (1 - e) / (1 + e) with e = exp(-2|x|).
      const int32_t e = tuco_exp(scaled < 0 ? scaled : -scaled, 5);
      const int32_t value = tuco_saturating_shift(tuco_twice_reciprocal(e) - (1 << 29), 2);
      y = scaled == 0 ? 0 : tuco_rounded_shift(scaled < 0 ? -value : value, 24);
      y = tuco_clamped(y, -128, 127);
    }
    out[i] = (int8_t)y;
  }
}

#endif
