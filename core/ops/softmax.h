// Softmax and its logarithm over the last dimension, computed without overflow.
#pragma once
#include <string_view>

#include "tuco/core/pointwise.h"

namespace tuco::op {

/// exp(x) / sum(exp(x)) over the last dimension.
struct Softmax : NoFields {
  static constexpr std::string_view name = "softmax";
};
/// x - log(sum(exp(x))) over the last dimension.
struct LogSoftmax : NoFields {
  static constexpr std::string_view name = "log_softmax";
};
/// Inputs: gradient, output of the softmax.
struct SoftmaxGrad : NoFields {
  static constexpr std::string_view name = "softmax_grad";
};
/// Inputs: gradient, output of the log-softmax.
struct LogSoftmaxGrad : NoFields {
  static constexpr std::string_view name = "log_softmax_grad";
};

}  // namespace tuco::op
