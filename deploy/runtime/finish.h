// How the fast kernels turn sums into int8: rounded twice, as TFLite does, for factors below 1/2
// whose shift is at least one to the right, in few instructions. Others go through requantize.h.
#ifndef TUCO_RUNTIME_FINISH_H
#define TUCO_RUNTIME_FINISH_H

#include "simd32.h"

// What a kernel needs of each output channel are two words, one after the other: its bias times 64,
// |bias| < 2^25, plus its right shift from 1 to 31, and its multiplier. The input's zero point is
// folded into the bias where a kernel does not say otherwise.

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
#elif TUCO_THUMB2
  int32_t result;
  uint32_t low;
  __asm__(
      "smull %1, %0, %2, %3\n\t"
      "adds %1, %1, %1\n\t"  // the upper bit of the low word rounds
      "adc %0, %0, #0\n\t"
      "add %0, %0, %0, asr #31\n\t"
      "asrs %0, %0, %4\n\t"
      "adc %0, %0, %5"
      : "=&r"(result), "=&r"(low)
      : "r"(twice), "r"(multiplier), "r"(right), "r"(zero_point)
      : "cc");
  return result;
#else
  const int32_t x = (int32_t)(((int64_t)twice * multiplier + ((int64_t)1 << 31)) >> 32);
  const int32_t y = x + (x >> 31);  // one less when negative turns "ties away" into "ties up"
  return (y >> right) + ((y >> (right - 1)) & 1) + zero_point;
#endif
}

// The value moved into int8 and into [low, high]; nothing is spent on bounds that are known to be
// those of int8.
TUCO_INLINE int8_t tuco_bounded(int32_t value, int32_t low, int32_t high) {
#if TUCO_THUMB2
  __asm__("ssat %0, #8, %1" : "=r"(value) : "r"(value));
  if (low != -128) value = tuco_max(value, low);
  if (high != 127) value = tuco_min(value, high);
  return (int8_t)value;
#else
  return (int8_t)tuco_clamped(value, low, high);
#endif
}

// The output of a channel, whose two words are at `channel`, from its sum of products.
TUCO_INLINE int8_t tuco_channel_output(const int32_t* channel, int32_t sum, int32_t zero_point,
                                       int32_t low, int32_t high) {
  return tuco_bounded(tuco_finished(tuco_twice_bias(channel[0]) + 2 * sum, channel[1],
                                    tuco_right_shift(channel[0]), zero_point),
                      low, high);
}

#endif
