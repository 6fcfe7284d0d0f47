// How integers stand for real numbers, real = scale * (q - zero_point), and how they are multiplied
// by real factors.
#pragma once
#include <cstdint>
#include <vector>

namespace tuco {

/// Scale and zero point of a quantized tensor, one pair for all of it or one for each index of
/// dimension `axis`. Scales are float32, as model files store them.
struct Quantization {
  std::vector<float> scale;
  std::vector<int32_t> zero_point;
  /// The dimension that scales run along, or -1 for a single one.
  int axis = -1;
  friend bool operator==(const Quantization&, const Quantization&) = default;
};

/// How products of integers with real factors are rounded; a model is made for one of the two.
enum class Rounding { kDouble = 0, kSingle = 1 };

/// A real factor as value / 2^31 * 2^shift, with value in [2^30, 2^31), or 0 and 0.
struct Multiplier {
  int32_t value = 0;
  int32_t shift = 0;
  friend bool operator==(const Multiplier&, const Multiplier&) = default;
};

}  // namespace tuco
