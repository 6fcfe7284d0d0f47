// Exponential and reciprocal in 32-bit fixed point, as gemmlowp computes them and TFLite's softmax,
// logistic and tanh round them. A number with m integer bits is raw / 2^(31 - m), in [-2^m, 2^m).
#ifndef TUCO_RUNTIME_FIXED_POINT_H
#define TUCO_RUNTIME_FIXED_POINT_H

#include "requantize.h"

// x * 2^n, saturated.
TUCO_INLINE int32_t tuco_saturating_shift(int32_t x, int32_t n) {
  const int32_t limit = (int32_t)(((uint32_t)1 << (31 - n)) - 1);
  if (x > limit) return INT32_MAX;
  if (x < -limit) return INT32_MIN;
  return tuco_wrapping_shift(x, n);
}

// exp(x) with 0 integer bits for x <= 0 with 4 or 5 integer bits: a Taylor series around -1/8 for
// the part of x in [-1/4, 0), times exp(-2^k) for each bit of the rest.
TUCO_INLINE int32_t tuco_exp(int32_t x, int32_t integer_bits) {
  static const int32_t power[7] = {1672461947, 1302514674, 790015084, 290630308,
                                   39332535,   720401,     242};  // exp(-2^k), k from -2 to 4
  if (x == 0) return INT32_MAX;
  const int32_t quarter = 1 << (29 - integer_bits);
  const int32_t part = (x & (quarter - 1)) - quarter;
  const int32_t rest = part - x;
  const int32_t t = tuco_wrapping_shift(part, integer_bits) + (1 << 28);
  const int32_t t2 = tuco_high_product(t, t);
  const int32_t t3 = tuco_high_product(t2, t);
  const int32_t t4 = tuco_rounded_shift(tuco_high_product(t2, t2), 2);
  const int32_t tail = tuco_rounded_shift(tuco_high_product(t4 + t3, 715827883 /* 1/3 */) + t2, 1);
  const int32_t middle = 1895147668;  // exp(-1/8)
  int32_t result = middle + tuco_high_product(middle, t + tail);
  for (int32_t k = 0; k < integer_bits + 2; k++)
    if (rest & (quarter << k)) result = tuco_high_product(result, power[k]);
  return result;
}

// 2 / (1 + x) with 2 integer bits for x in [0, 1) with none: three of Newton's steps.
TUCO_INLINE int32_t tuco_twice_reciprocal(int32_t x) {
  const int32_t half = (int32_t)(((uint32_t)x + 0x80000000u) >> 1);  // (1 + x) / 2
  int32_t y = 1515870810 + tuco_high_product(half, -1010580540);     // 48/17 - 32/17 half
  for (int32_t step = 0; step < 3; step++) {
    const int32_t error = (1 << 29) - tuco_high_product(half, y);
    y += tuco_saturating_shift(tuco_high_product(y, error), 2);
  }
  return y;
}

// 1 / (1 + x) for x in [0, 1), both with 0 integer bits.
TUCO_INLINE int32_t tuco_reciprocal(int32_t x) {
  return tuco_saturating_shift(tuco_twice_reciprocal(x), 1);
}

#endif
