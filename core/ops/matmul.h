// Matrix products.
#pragma once
#include <string_view>

#include "tuco/core/pointwise.h"

namespace tuco::op {

/// (..., m, k) times (..., k, n) is (..., m, n); the leading dimensions broadcast. Either operand
/// may be given transposed in its last two dimensions.
struct MatMul {
  static constexpr std::string_view name = "matmul";
  bool transpose_a = false, transpose_b = false;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("transpose_a", self.transpose_a);
    visit("transpose_b", self.transpose_b);
  }
};

/// Inputs: x (..., in), weight (out, in), optionally bias (out,). Output: (..., out). The weight
/// can be packed once by Backend::prepare.
struct Linear : NoFields {
  static constexpr std::string_view name = "linear";
};

/// clamp(linear(x, weight) + bias, low, high) in one pass; ReLU is [0, infinity). Inputs: as of
/// Linear, with the bias where the attribute says so. NaN stays NaN.
struct FusedLinear {
  static constexpr std::string_view name = "fused_linear";
  bool bias = false;
  double low = 0, high = std::numeric_limits<double>::infinity();
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("bias", self.bias);
    visit("low", self.low);
    visit("high", self.high);
  }
};

}  // namespace tuco::op
