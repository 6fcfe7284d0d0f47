// The mean or the sum over neighbouring axes, rescaled: height and width of an image, its global
// average.
#ifndef TUCO_RUNTIME_MEAN_H
#define TUCO_RUNTIME_MEAN_H

#include "requantize.h"

// out (outer, inner) = means over the middle axis of in (outer, reduced, inner). multiplier and
// shift are those of in_scale / out_scale with 1 / reduced worked in as TFLite does it: with
// n = min(floor(log2(reduced)), 32, 31 + shift), the multiplier becomes
// (multiplier << n) / reduced, truncated, in 64 bits, and the shift n less. Without that, out are
// the sums.
TUCO_KERNEL void tuco_mean(int8_t* TUCO_RESTRICT out, const int8_t* TUCO_RESTRICT in, int32_t outer,
                           int32_t reduced, int32_t inner, int32_t in_zero_point,
                           int32_t multiplier, int32_t shift, int32_t out_zero_point,
                           int32_t rounding) {
  for (int32_t o = 0; o < outer; o++, in += reduced * inner)
    for (int32_t i = 0; i < inner; i++) {
      int32_t sum = -in_zero_point * reduced;
      for (int32_t k = 0; k < reduced; k++) sum += in[k * inner + i];
      const int32_t mean = tuco_scaled(sum, multiplier, shift, rounding) + out_zero_point;
      *out++ = (int8_t)tuco_clamped(mean, -128, 127);
    }
}

#endif
