#include "tuco/layers/sequential.h"

#include "tuco/autograd/functions.h"
#include "tuco/autograd/run_op.h"
#include "tuco/layers/activation.h"
#include "tuco/layers/batch_norm.h"
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
    if (!modules[i].second.is<BatchNorm>() || !modules[i + 1].second.is<ReLU>()) continue;
    const int64_t pool = i + 2 < modules.size() ? fusible_pool(modules[i + 2].second) : 1;
    fused_runs_.push_back({i, pool > 1 ? size_t{3} : size_t{2}, pool});
  }
}

Tensor SequentialBody::forward(const Tensor& input) {
  const auto& modules = children();
  Tensor x = input;
  auto next_fused = fused_runs_.begin();
  for (size_t i = 0; i < modules.size(); ++i) {
    if (next_fused != fused_runs_.end() && next_fused->first == i) {
      const Fused& run = *next_fused++;
      const bool trains = modules[i].second.training();
      if (fused() && trains && x.rank() == 4 && current_tracer() == nullptr) {
        x = run_fused(run, x);
        i += run.count - 1;
        continue;
      }
    }
    x = modules[i].second(x);
  }
  return x;
}

Tensor SequentialBody::run_fused(const Fused& run, const Tensor& x) const {
  auto& norm = static_cast<BatchNormBody&>(children()[run.first].second.body());
  const ModuleScope scope(norm);
  const auto [y, mean, variance] =
      batch_norm_relu_pool(x, norm.weight, norm.bias, run.pool, norm.options.eps);
  norm.update(mean, variance, x.numel() / norm.options.channels);
  return y;
}

}  // namespace tuco
