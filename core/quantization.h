// How integers stand for real numbers: real = scale * (q - zero_point).
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

}  // namespace tuco
