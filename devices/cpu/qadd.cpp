#include "tuco/devices/cpu/qadd.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "tuco/deploy/runtime/requantize.h"

namespace tuco::cpu {
namespace {

// More bits than the larger are not to be had; with fewer than the smaller, factors are too coarse.
constexpr int kMaxShift = 24, kMinShift = 12;
constexpr double kMaxFactor = (1 << 23) - 2;

double value_of(const Multiplier& m) { return std::ldexp(m.value, m.shift - 31); }

/// All results, those for a = -128 first.
std::vector<int8_t> all_sums(const op::QAdd& op) {
  const auto rounding = static_cast<int32_t>(op.out.rounding);
  std::array<int32_t, 256> a, b;
  for (int32_t q = -128; q < 128; ++q) {
    const auto scaled = [&](int32_t zero_point, const Multiplier& m) {
      return tuco_scaled((q - zero_point) * (1 << 20), m.value, m.shift, rounding);
    };
    a[q + 128] = scaled(op.a_zero_point, op.a);
    b[q + 128] = scaled(op.b_zero_point, op.b);
  }
  std::vector<int8_t> sums;
  sums.reserve(256 * 256);
  for (const int32_t x : a)
    for (const int32_t y : b)
      sums.push_back(static_cast<int8_t>(
          tuco_clamped(tuco_scaled(x + y, op.sum.value, op.sum.shift, rounding) + op.out.zero_point,
                       op.out.low, op.out.high)));
  return sums;
}

/// The c with which such factors give all sums, if there is one: the nearest to `ideal`.
std::optional<int64_t> find_offset(const std::vector<int8_t>& sums, const QLinearAdd& add,
                                   int64_t ideal) {
  int64_t least = INT64_MIN / 2, most = INT64_MAX / 2;
  for (int64_t q = -128, i = 0; q < 128; ++q)
    for (int64_t r = -128; r < 128; ++r, ++i) {
      const int64_t product = add.a * q + add.b * r, sum = sums[i];
      if (sum > add.low) least = std::max(least, sum * (int64_t{1} << add.shift) - product);
      if (sum < add.high)
        most = std::min(most, (sum + 1) * (int64_t{1} << add.shift) - 1 - product);
    }
  if (least > most) return {};
  return std::clamp(ideal, least, most);
}

}  // namespace

std::optional<QLinearAdd> linear_add(const op::QAdd& op) {
  const double scale = std::ldexp(value_of(op.sum), 20);
  const double a = value_of(op.a) * scale, b = value_of(op.b) * scale;
  const auto fits = [&](int shift) {
    return std::ldexp(std::max(a, b), shift) <= kMaxFactor &&
           std::ldexp(255 * (a + b) + 130, shift) < std::ldexp(1, 31);
  };
  int shift = kMaxShift;
  while (shift >= kMinShift && !fits(shift)) --shift;
  if (shift < kMinShift) return {};
  const std::vector<int8_t> sums = all_sums(op);
  const double ideal = op.out.zero_point + 0.5 - a * op.a_zero_point - b * op.b_zero_point;
  for (const int32_t up : {0, 1, 2, 3}) {  // either factor down or up
    QLinearAdd add{static_cast<int32_t>(std::ldexp(a, shift)) + (up & 1),
                   static_cast<int32_t>(std::ldexp(b, shift)) + (up >> 1),
                   0,
                   shift,
                   op.out.low,
                   op.out.high};
    if (const auto offset = find_offset(sums, add, std::llround(std::ldexp(ideal, shift)))) {
      add.c = static_cast<int32_t>(static_cast<uint32_t>(*offset));
      return add;
    }
  }
  return {};
}

}  // namespace tuco::cpu
