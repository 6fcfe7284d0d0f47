// Pooling of NHWC images as layers.
#pragma once
#include "tuco/core/ops/pool2d.h"
#include "tuco/layers/module.h"

namespace tuco {

struct MaxPool2dBody : Module::Body {
  explicit MaxPool2dBody(const op::PoolWindow& w) : window(w) {}
  Tensor forward(const Tensor& images) override;
  std::string describe() const override;
  const op::PoolWindow window;
};
struct AvgPool2dBody : Module::Body {
  explicit AvgPool2dBody(const op::PoolWindow& w) : window(w) {}
  Tensor forward(const Tensor& images) override;
  std::string describe() const override;
  const op::PoolWindow window;
};
struct GlobalMaxPoolBody : Module::Body {
  Tensor forward(const Tensor& images) override;
};
struct GlobalAvgPoolBody : Module::Body {
  Tensor forward(const Tensor& images) override;
};

/// The largest value of each window: MaxPool2d{2} has stride 2 too, others are written
/// MaxPool2d{{.kernel = 3, .stride = 2, .padding = 1}}.
class MaxPool2d : public ModuleOf<MaxPool2dBody> {
 public:
  using ModuleOf::ModuleOf;
  explicit MaxPool2d(Hw kernel) : MaxPool2d(op::PoolWindow{.kernel = kernel, .stride = kernel}) {}
  explicit MaxPool2d(const op::PoolWindow& window) : ModuleOf(window) {}
};
/// The mean of each window, written as MaxPool2d.
class AvgPool2d : public ModuleOf<AvgPool2dBody> {
 public:
  using ModuleOf::ModuleOf;
  explicit AvgPool2d(Hw kernel) : AvgPool2d(op::PoolWindow{.kernel = kernel, .stride = kernel}) {}
  explicit AvgPool2d(const op::PoolWindow& window) : ModuleOf(window) {}
};
/// Largest value or mean of each channel: (n, h, w, c) becomes (n, c).
using GlobalMaxPool = ModuleOf<GlobalMaxPoolBody>;
using GlobalAvgPool = ModuleOf<GlobalAvgPoolBody>;

}  // namespace tuco
