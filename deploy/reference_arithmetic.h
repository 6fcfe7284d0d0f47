// TFLite's integer arithmetic as its definition reads, for the reference interpreter: slow, plain,
// and written apart from the device runtime, which it is the oracle for.
#pragma once
#include <algorithm>
#include <cstdint>
#include <limits>

#include "tuco/deploy/multiplier.h"

namespace tuco::deploy {

/// a * b / 2^31 to the nearest, ties away from zero, as gemmlowp's
/// SaturatingRoundingDoublingHighMul.
inline int32_t rounding_doubling_high_product(int32_t a, int32_t b) {
  if (a == b && a == std::numeric_limits<int32_t>::min())
    return std::numeric_limits<int32_t>::max();
  const int64_t product = int64_t{a} * b;
  const int64_t nudge = product >= 0 ? int64_t{1} << 30 : 1 - (int64_t{1} << 30);
  return static_cast<int32_t>((product + nudge) / (int64_t{1} << 31));
}

/// x / 2^n to the nearest, ties away from zero, as gemmlowp's RoundingDivideByPOT.
inline int32_t rounding_divide_by_power_of_two(int32_t x, int n) {
  const int64_t half = n == 0 ? 0 : int64_t{1} << (n - 1);
  const int64_t magnitude = (std::abs(int64_t{x}) + half) >> n;
  return static_cast<int32_t>(x < 0 ? -magnitude : magnitude);
}

/// x times the factor that the multiplier stands for, in the given rounding.
inline int32_t scaled(int32_t x, const Multiplier& m, Rounding rounding) {
  if (rounding == Rounding::kSingle) {
    const int right = 31 - m.shift;
    return static_cast<int32_t>((int64_t{x} * m.value + (int64_t{1} << (right - 1))) >> right);
  }
  const auto left = static_cast<uint32_t>(std::max(m.shift, 0));
  const auto shifted = static_cast<int32_t>(static_cast<uint32_t>(x) << left);
  return rounding_divide_by_power_of_two(rounding_doubling_high_product(shifted, m.value),
                                         std::max(-m.shift, 0));
}

/// The int8 value of an accumulator.
inline int8_t requantized(int32_t accumulator, const Multiplier& m, Rounding rounding,
                          int32_t zero_point, int32_t low, int32_t high) {
  return static_cast<int8_t>(
      std::clamp<int64_t>(int64_t{scaled(accumulator, m, rounding)} + zero_point, low, high));
}

}  // namespace tuco::deploy
