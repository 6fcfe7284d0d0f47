#include "tuco/layers/sequential.h"

#include "tuco/autograd/functions.h"
#include "tuco/autograd/run_op.h"
#include "tuco/layers/activation.h"
#include "tuco/layers/batch_norm.h"
#include "tuco/layers/conv2d.h"
#include "tuco/layers/linear.h"
#include "tuco/layers/pool2d.h"

namespace tuco {
namespace {

/// The side of a pooling that the fused op can do, else 1.
int64_t fusible_pool(const Module& module) {
  if (!module.is<MaxPool2d>()) return 1;
  const op::PoolWindow& w = static_cast<const MaxPool2dBody&>(module.body()).window;
  const int64_t side = w.kernel.h;
  const bool plain =
      w.kernel == Hw(side) && w.stride == Hw(side) && w.padding == Padding(0) && !w.ceil_mode;
  return plain && side >= 2 && side <= 15 ? side : 1;
}

}  // namespace

SequentialBody::SequentialBody(const std::vector<Module>& modules) {
  for (const Module& module : modules) add(fmt::format("{}", size()), module);
  plan();
}

void SequentialBody::append(const Module& module) {
  add(fmt::format("{}", size()), module);
  plan();
}

void SequentialBody::plan() {
  fused_runs_.clear();
  const auto& modules = children();
  for (size_t i = 0; i + 1 < modules.size(); ++i) {
    const Module &first = modules[i].second, &second = modules[i + 1].second;
    const bool relu = second.is<ReLU>(), relu6 = second.is<ReLU6>();
    if (first.is<BatchNorm>() && relu) {
      const int64_t pool = i + 2 < modules.size() ? fusible_pool(modules[i + 2].second) : 1;
      fused_runs_.push_back({i, pool > 1 ? size_t{3} : size_t{2}, pool});
    } else if ((first.is<Conv2d>() || first.is<Linear>()) && (relu || relu6)) {
      fused_runs_.push_back({.first = i, .count = 2});
      if (relu6) fused_runs_.back().high = 6;
    }
  }
}

Tensor SequentialBody::forward(const Tensor& input) { return forward_first(input, size()); }

Tensor SequentialBody::forward_first(const Tensor& input, size_t count) const {
  const auto& modules = children();
  Tensor x = input;
  auto next = fused_runs_.begin();
  for (size_t i = 0; i < count; ++i) {
    if (next != fused_runs_.end() && next->first == i) {
      const Fused& run = *next++;
      if (fused() && current_tracer() == nullptr && i + run.count <= count)
        if (const Tensor y = run_fused(run, x); y.defined()) {
          x = y;
          i += run.count - 1;
          continue;
        }
    }
    x = modules[i].second(x);
  }
  return x;
}

Tensor SequentialBody::run_fused(const Fused& run, const Tensor& x) const {
  const Module& module = children()[run.first].second;
  if (module.is<BatchNorm>()) {
    if (!module.training() || (run.pool > 1 && x.rank() != 4)) return {};
    auto& norm = static_cast<BatchNormBody&>(module.body());
    const ModuleScope scope(norm);
    return run.pool > 1 ? norm.forward_relu_pool(x, run.pool) : norm.forward_relu(x);
  }
  const ModuleScope scope(module.body());
  if (module.is<Linear>()) {
    const auto& layer = static_cast<const LinearBody&>(module.body());
    return linear_relu(x, layer.weight, layer.bias, run.high);
  }
  const auto& layer = static_cast<const Conv2dBody&>(module.body());
  return conv2d_relu(x, layer.weight, layer.bias, layer.attributes(x.shape()), {}, run.high);
}

}  // namespace tuco
