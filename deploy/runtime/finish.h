// How the fast kernels turn sums into int8: rounded twice, as TFLite does, for factors below 1/2
// whose shift is at least one to the right, in few instructions. Others go through requantize.h.
#ifndef TUCO_RUNTIME_FINISH_H
#define TUCO_RUNTIME_FINISH_H

#include "simd32.h"

// The output of a layer of products; the activation's range, low to high in int8, is passed beside
// it, so that a program whose layers all have the same is compiled for that. A channel's word in
// `bias` is its bias times 64, plus its right shift from 1 to 31; the input's zero point is folded
// into the bias. |bias| < 2^25.
typedef struct {
  const int32_t* bias;
  const int32_t* multiplier;
  int32_t multiplier_step;  // 1: a multiplier for each channel, 0: one for all
  int32_t zero_point;
} tuco_finish;

// Twice a channel's bias, and its shift.
TUCO_INLINE int32_t tuco_twice_bias(int32_t word) { return word >> 5; }
TUCO_INLINE int32_t tuco_right_shift(int32_t word) { return word & 31; }

// twice / 2 * multiplier / 2^31 / 2^right, rounded twice, plus the zero point. right is from 1
// to 31, and |twice| below 2^31.
TUCO_INLINE int32_t tuco_finished(int32_t twice, int32_t multiplier, int32_t right,
                                  int32_t zero_point) {
#if TUCO_SIMD32
  // The shift leaves the last bit that it drops in the carry, which rounds.
  int32_t result;
  __asm__(
      "smmulr %0, %1, %2\n\t"
      "add %0, %0, %0, asr #31\n\t"
      "asrs %0, %0, %3\n\t"
      "adc %0, %0, %4"
      : "=&r"(result)
      : "r"(twice), "r"(multiplier), "r"(right), "r"(zero_point)
      : "cc");
  return result;
#else
  const int32_t x = (int32_t)(((int64_t)twice * multiplier + ((int64_t)1 << 31)) >> 32);
  const int32_t y = x + (x >> 31);  // one less when negative turns "ties away" into "ties up"
  return (y >> right) + ((y >> (right - 1)) & 1) + zero_point;
#endif
}

#endif
