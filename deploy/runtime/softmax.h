// Softmax along the last axis. The output has scale 1/256 and zero point -128.
#ifndef TUCO_RUNTIME_SOFTMAX_H
#define TUCO_RUNTIME_SOFTMAX_H

#include "fixed_point.h"

// exp of a difference to the row's largest value, with 0 integer bits.
TUCO_INLINE int32_t tuco_softmax_exp(int32_t difference, int32_t multiplier, int32_t shift,
                                     int32_t rounding) {
  return tuco_exp(tuco_scaled(difference, multiplier, shift, rounding), 5);
}

// out (rows, depth) from in (rows, depth), for depth < 4096. multiplier and shift are those of
// min(beta * in_scale * 2^26, 2^31 - 1), with 2^30 - 1 for single rounding; differences to the
// largest value below smallest = -floor(31 * 2^26 / 2^shift) count as zero. out may be in.
TUCO_KERNEL void tuco_softmax(int8_t* out, const int8_t* in, int32_t rows, int32_t depth,
                              int32_t multiplier, int32_t shift, int32_t smallest,
                              int32_t rounding) {
  for (int32_t row = 0; row < rows; row++, in += depth, out += depth) {
    int32_t largest = -128;
    for (int32_t i = 0; i < depth; i++) largest = tuco_max(largest, in[i]);

    int32_t sum = 0;  // with 12 integer bits
    for (int32_t i = 0; i < depth; i++)
      if (in[i] - largest >= smallest)
        sum +=
            tuco_rounded_shift(tuco_softmax_exp(in[i] - largest, multiplier, shift, rounding), 12);

    int32_t headroom =
        0;  // sum = mantissa / 2^31 * 2^(12 - headroom), with the mantissa's top bit set
    uint32_t mantissa = (uint32_t)sum;
    for (; mantissa >> 31 == 0; headroom++) mantissa <<= 1;
    const int32_t scale = tuco_reciprocal((int32_t)(mantissa & INT32_MAX));
    const int32_t exponent = 35 - headroom;

    for (int32_t i = 0; i < depth; i++) {
      int32_t value = 0;  // also where the sum is so large that every share rounds to 0
      if (in[i] - largest >= smallest && exponent <= 31)
        value = tuco_rounded_shift(
            tuco_high_product(scale,
                              tuco_softmax_exp(in[i] - largest, multiplier, shift, rounding)),
            exponent);
      out[i] = (int8_t)tuco_min(value - 128, 127);
    }
  }
}

#endif
