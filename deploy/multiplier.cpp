#include "tuco/deploy/multiplier.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "tuco/core/error.h"

namespace tuco::deploy {
namespace {

// TFLite's CalculateInputRadius: the largest input that, shifted, stays within the integer bits.
int32_t input_radius(int integer_bits, int shift) {
  const double largest =
      std::ldexp(static_cast<double>((1 << integer_bits) - 1), 31 - integer_bits);
  // int8 differences are at most 255, so a radius beyond that is all the same.
  return static_cast<int32_t>(std::min(std::floor(std::ldexp(largest, -shift)), 2147483647.0));
}

}  // namespace

Multiplier quantize_multiplier(double factor, Rounding rounding) {
  require<Error>(std::isfinite(factor) && factor >= 0,
                 "quantize_multiplier: {} is not a finite factor >= 0", factor);
  if (factor == 0) return {};
  int shift = 0;
  auto value = static_cast<int64_t>(std::round(std::frexp(factor, &shift) * (int64_t{1} << 31)));
  if (value == int64_t{1} << 31) {
    value /= 2;
    ++shift;
  }
  if (shift < -31) return {};
  if (shift > 30 && rounding == Rounding::kSingle) return {INT32_MAX, 30};
  // softmax alone may reach 31: its largest factor is 2^31 - 1.
  require<Error>(shift <= 31, "quantize_multiplier: {} needs a shift of {}, at most 31 fits",
                 factor, shift);
  return {static_cast<int32_t>(value), shift};
}

double product_factor(float in_scale, float weight_scale, float out_scale) {
  return static_cast<double>(in_scale) * static_cast<double>(weight_scale) /
         static_cast<double>(out_scale);
}

double rescale_factor(float in_scale, float out_scale) {
  return static_cast<double>(in_scale) / static_cast<double>(out_scale);
}

double abs_factor(float in_scale, float out_scale) {
  return static_cast<double>(in_scale / out_scale);
}

double rsqrt_factor(float in_scale, float out_scale) {
  return 1 / static_cast<double>(std::sqrt(in_scale) * out_scale);
}

AddMultipliers add_multipliers(float a_scale, float b_scale, float out_scale, Rounding rounding) {
  const double common = 2 * static_cast<double>(std::max(a_scale, b_scale));
  return {quantize_multiplier(static_cast<double>(a_scale) / common, rounding),
          quantize_multiplier(static_cast<double>(b_scale) / common, rounding),
          quantize_multiplier(common / ((1 << 20) * static_cast<double>(out_scale)), rounding)};
}

Multiplier mean_multiplier(Multiplier rescale, int64_t reduced) {
  require<Error>(reduced > 0, "mean_multiplier: a mean over {} values", reduced);
  const int log2 = 63 - std::countl_zero(static_cast<uint64_t>(reduced));
  const int shift = std::min({log2, 32, 31 + rescale.shift});
  return {static_cast<int32_t>((static_cast<int64_t>(rescale.value) << shift) / reduced),
          rescale.shift - shift};
}

SoftmaxScaling softmax_scaling(float in_scale, float beta, Rounding rounding) {
  const double largest =
      rounding == Rounding::kSingle ? (int64_t{1} << 30) - 1.0 : (int64_t{1} << 31) - 1.0;
  const double factor =
      std::min(static_cast<double>(beta) * static_cast<double>(in_scale) * (1 << 26), largest);
  require<Error>(factor > 1, "softmax: input scale {} times beta {} is below 2^-26", in_scale,
                 beta);
  const Multiplier multiplier = quantize_multiplier(factor, rounding);
  return {multiplier, -input_radius(5, multiplier.shift)};
}

HardSwishScaling hard_swish_scaling(float in_scale, float out_scale) {
  // Inputs are moved up by 7 bits, to fill 16.
  const double in = static_cast<double>(in_scale) / 128, share = 3.0 / 32768;
  const auto to_16_bits = [](const Multiplier& m) {
    return static_cast<int32_t>(std::min((int64_t{m.value} + (1 << 15)) >> 16, int64_t{32767}));
  };
  const Multiplier to_output = quantize_multiplier(in / static_cast<double>(out_scale)),
                   to_share = quantize_multiplier(in / share);
  return {to_16_bits(to_output), to_output.shift, to_16_bits(to_share), to_share.shift};
}

SigmoidScaling sigmoid_scaling(float in_scale) {
  const Multiplier multiplier = quantize_multiplier(static_cast<double>(in_scale) * (1 << 27));
  return {multiplier, input_radius(4, multiplier.shift)};
}

}  // namespace tuco::deploy
