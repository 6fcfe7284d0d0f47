// Linear: a fully connected layer.
#pragma once
#include "tuco/layers/module.h"

namespace tuco {

/// Options of Linear: features that come in and go out.
struct LinearOptions {
  int64_t in = 0, out = 0;
  bool bias = true;
};

struct LinearBody : Module::Body {
  /// Weight and bias begin uniform in +-1 / sqrt(in). Throws ShapeError if a size is not positive.
  explicit LinearBody(const LinearOptions& options);
  Tensor forward(const Tensor& x) override;
  std::string describe() const override;

  const LinearOptions options;
  /// (out, in).
  Parameter weight;
  /// (out,), or without a tensor.
  Parameter bias;
};

/// (..., in) to (..., out): Linear{{.in = 128, .out = 10}}.
class Linear : public ModuleOf<LinearBody> {
 public:
  using ModuleOf::ModuleOf;
  explicit Linear(const LinearOptions& options) : ModuleOf(options) {}
};

}  // namespace tuco
