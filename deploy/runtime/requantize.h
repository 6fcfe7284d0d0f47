// From int32 accumulators back to int8. A real factor is kept as multiplier / 2^31 * 2^shift, with
// the multiplier in [0, 2^31) and the shift in [-31, 30]. Two roundings exist: TFLite's default
// rounds twice, XNNPACK and ruy round once; about one result in 200 differs by one, so a model
// records which of them it was made for.
#ifndef TUCO_RUNTIME_REQUANTIZE_H
#define TUCO_RUNTIME_REQUANTIZE_H

#include "base.h"

enum { TUCO_DOUBLE_ROUNDING = 0, TUCO_SINGLE_ROUNDING = 1 };

// How the accumulators of a convolution or fully connected layer become int8.
typedef struct {
  const int32_t* multiplier;  // one for each output channel, or a single one
  const int8_t* shift;        // as many
  int32_t per_channel;        // 1: one for each output channel, 0: a single one for all
  int32_t zero_point;         // of the output
  int32_t low, high;          // the activation's range in int8, -128 and 127 without activation
  int32_t rounding;           // TUCO_DOUBLE_ROUNDING or TUCO_SINGLE_ROUNDING
} tuco_requantization;

// a * b / 2^31 to nearest, ties up; a and b are not both INT32_MIN.
TUCO_INLINE int32_t tuco_high_product(int32_t a, int32_t b) {
  return (int32_t)(((int64_t)a * b + (1 << 30)) >> 31);
}

// x / 2^n to nearest, ties away from zero, for n in [0, 31] and x above INT32_MIN.
TUCO_INLINE int32_t tuco_rounded_shift(int32_t x, int32_t n) {
  // One less when negative turns "ties away" into "ties up".
  const int32_t y = x + (x >> 31);
  return n == 0 ? x : (y >> n) + ((y >> (n - 1)) & 1);
}

// x * 2^n in the low 32 bits, which is what TFLite's reference gives where it overflows.
TUCO_INLINE int32_t tuco_wrapping_shift(int32_t x, int32_t n) {
  return (int32_t)((uint32_t)x << n);
}

// x * multiplier / 2^31 * 2^shift in the given rounding.
TUCO_INLINE int32_t tuco_scaled(int32_t x, int32_t multiplier, int32_t shift, int32_t rounding) {
  if (rounding == TUCO_SINGLE_ROUNDING) {
    const int32_t right = 31 - shift;
    return (int32_t)(((int64_t)x * multiplier + ((int64_t)1 << (right - 1))) >> right);
  }
  if (shift > 0) return tuco_high_product(tuco_wrapping_shift(x, shift), multiplier);
  return tuco_rounded_shift(tuco_high_product(x, multiplier), -shift);
}

// The int8 value of output channel `channel` from its accumulator.
TUCO_INLINE int8_t tuco_requantized(const tuco_requantization* r, int32_t accumulator,
                                    int32_t channel) {
  const int32_t i = r->per_channel ? channel : 0;
  const int32_t scaled = tuco_scaled(accumulator, r->multiplier[i], r->shift[i], r->rounding);
  return (int8_t)tuco_clamped(scaled + r->zero_point, r->low, r->high);
}

#endif
