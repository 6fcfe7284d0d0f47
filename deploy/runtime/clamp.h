// Point-wise operations that rescale and clamp: change of scale, ReLU, ReLU6. Every kernel may
// work in place.
#ifndef TUCO_RUNTIME_CLAMP_H
#define TUCO_RUNTIME_CLAMP_H

#include "requantize.h"

// out[i] = in[i] moved into [low, high]: ReLU and the like where input and output share a scale.
TUCO_KERNEL void tuco_clamp(int8_t* out, const int8_t* in, int32_t size, int32_t low,
                            int32_t high) {
  for (int32_t i = 0; i < size; i++) out[i] = (int8_t)tuco_clamped(in[i], low, high);
}

// out[i] = in[i] in another scale, the factor being in_scale / out_scale, then moved into
// [low, high]: a change of scale with -128 and 127, ReLU with out_zero_point and 127.
TUCO_KERNEL void tuco_rescale(int8_t* out, const int8_t* in, int32_t size, int32_t in_zero_point,
                              int32_t multiplier, int32_t shift, int32_t out_zero_point,
                              int32_t low, int32_t high, int32_t rounding) {
  for (int32_t i = 0; i < size; i++) {
    const int32_t x = tuco_scaled(in[i] - in_zero_point, multiplier, shift, rounding);
    out[i] = (int8_t)tuco_clamped(x + out_zero_point, low, high);
  }
}

#endif
