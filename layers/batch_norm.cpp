#include "tuco/layers/batch_norm.h"

#include "tuco/autograd/functions.h"
#include "tuco/autograd/run_op.h"
#include "tuco/core/error.h"
#include "tuco/layers/recompute.h"

namespace tuco {
namespace {

/// average = (1 - momentum) * average + scale * momentum * value.
void move_towards(Tensor average, const Tensor& value, double momentum, double scale) {
  run_in_place(op::Accumulate{scale * momentum, 1 - momentum}, {&value, 1}, {&average, 1});
}

}  // namespace

BatchNormBody::BatchNormBody(const BatchNormOptions& o) : options(o) {
  require<ShapeError>(o.channels > 0, "BatchNorm: {} channels, expected a positive number",
                      o.channels);
  require<Error>(o.eps >= 0 && o.momentum >= 0 && o.momentum <= 1,
                 "BatchNorm: .eps = {}, .momentum = {}, expected eps >= 0 and momentum in [0, 1]",
                 o.eps, o.momentum);
  weight = add_parameter("weight", ones({o.channels}));
  bias = add_parameter("bias", zeros({o.channels}));
  running_mean = add_buffer("running_mean", zeros({o.channels}));
  running_var = add_buffer("running_var", ones({o.channels}));
}

Tensor BatchNormBody::forward(const Tensor& x) {
  if (!training()) return batch_norm(x, weight, bias, running_mean, running_var, options.eps);
  const auto [y, mean, variance] = batch_norm_train(x, weight, bias, options.eps);
  update(mean, variance, x);
  return y;
}

Tensor BatchNormBody::forward_relu(const Tensor& x, const Tensor& skip) {
  const auto [y, mean, variance] = batch_norm_relu(x, weight, bias, skip, options.eps);
  update(mean, variance, x);
  return y;
}

Tensor BatchNormBody::forward_relu_pool(const Tensor& images, int64_t pool) {
  const auto [y, mean, variance] = batch_norm_relu_pool(images, weight, bias, pool, options.eps);
  update(mean, variance, images);
  return y;
}

void BatchNormBody::update(const Tensor& mean, const Tensor& variance, const Tensor& x) {
  const int64_t count = x.numel() / options.channels;
  require<ShapeError>(count > 1,
                      "batch_norm: one value for each channel is too little to train on");
  if (is_recomputing()) return;
  const double unbiased = static_cast<double>(count) / static_cast<double>(count - 1);
  move_towards(running_mean, mean, options.momentum, 1);
  move_towards(running_var, variance, options.momentum, unbiased);
}

std::string BatchNormBody::describe() const {
  std::string text = fmt::format("{}", options.channels);
  if (options.momentum != 0.1) text += fmt::format(", momentum {}", options.momentum);
  if (options.eps != 1e-5) text += fmt::format(", eps {}", options.eps);
  return text;
}

}  // namespace tuco
