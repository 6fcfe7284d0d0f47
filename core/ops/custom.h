// The one open alternative of op::Any, for users' own ops.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tuco/core/tensor.h"

namespace tuco {

/// A user's op: derive, and run it with custom(op, inputs). It computes with Tuco's functions or on
/// the tensors' data; nothing inside is recorded. deploy refuses it by name.
class CustomOp {
 public:
  virtual ~CustomOp() = default;
  virtual std::string name() const = 0;
  /// Shapes and types of the outputs. Throws ShapeError or DTypeError if the inputs do not fit.
  virtual std::vector<TensorMeta> infer(std::span<const TensorMeta> inputs) const = 0;
  /// The outputs; what is put into `saved` comes back in backward.
  virtual std::vector<Tensor> forward(std::span<const Tensor> inputs,
                                      std::vector<Tensor>& saved) const = 0;
  /// A gradient for each input (undefined for none) from the gradients of the outputs, which are
  /// zeros where no result depends on an output, and undefined for integer outputs.
  virtual std::vector<Tensor> backward(std::span<const Tensor> saved,
                                       std::span<const Tensor> gradients) const = 0;
};

namespace op {

/// Holds a user's op.
struct Custom {
  static constexpr std::string_view name = "custom";
  std::shared_ptr<const CustomOp> implementation;
  template <class Self, class Visit>
  static void fields(Self&, Visit&&) {}
};

}  // namespace op
}  // namespace tuco
