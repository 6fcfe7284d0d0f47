#include "tuco/layers/init.h"

#include <cmath>

#include "tuco/autograd/functions.h"
#include "tuco/autograd/grad_mode.h"
#include "tuco/core/error.h"

namespace tuco {
namespace {

/// A generator at numbers of the program's that are set aside for this tensor.
Rng own_numbers(const Tensor& weight) {
  return reserve_random(static_cast<uint64_t>(weight.numel()));
}

TensorOptions options_of(const Tensor& weight) { return {weight.dtype(), weight.device()}; }

double kaiming_deviation(const Tensor& weight, const KaimingOptions& o) {
  const double gain = std::sqrt(2 / (1 + o.negative_slope * o.negative_slope));
  return gain / std::sqrt(static_cast<double>(fan_of(weight.shape(), o.fan, o.groups)));
}

double xavier_deviation(const Tensor& weight, double gain) {
  const int64_t fans = fan_of(weight.shape(), Fan::in) + fan_of(weight.shape(), Fan::out);
  return gain * std::sqrt(2 / static_cast<double>(fans));
}

void uniform_of_deviation(const Tensor& weight, double deviation, Rng& rng) {
  const double bound = std::sqrt(3.0) * deviation;
  uniform_(weight, -bound, bound, rng);
}

}  // namespace

int64_t fan_of(const Shape& weight, Fan fan, int64_t groups) {
  require<ShapeError>(weight.rank() >= 2 && weight.numel() > 0,
                      "init: weight {}, expected rank 2 or more, outputs first", weight);
  const int64_t in = weight.numel() / weight[0];
  return fan == Fan::in ? in : weight.numel() / weight.back() / groups;
}

void uniform_(Tensor weight, double low, double high, Rng& rng) {
  const NoGrad quiet;
  weight.copy_(rand(weight.shape(), rng, options_of(weight)) * (high - low) + low);
}
void normal_(Tensor weight, double mean, double deviation, Rng& rng) {
  const NoGrad quiet;
  weight.copy_(randn(weight.shape(), rng, options_of(weight)) * deviation + mean);
}
void kaiming_normal_(Tensor weight, const KaimingOptions& options, Rng& rng) {
  normal_(weight, 0, kaiming_deviation(weight, options), rng);
}
void kaiming_uniform_(Tensor weight, const KaimingOptions& options, Rng& rng) {
  uniform_of_deviation(weight, kaiming_deviation(weight, options), rng);
}
void xavier_normal_(Tensor weight, double gain, Rng& rng) {
  normal_(weight, 0, xavier_deviation(weight, gain), rng);
}
void xavier_uniform_(Tensor weight, double gain, Rng& rng) {
  uniform_of_deviation(weight, xavier_deviation(weight, gain), rng);
}

void uniform_(Tensor weight, double low, double high) {
  Rng rng = own_numbers(weight);
  uniform_(weight, low, high, rng);
}
void normal_(Tensor weight, double mean, double deviation) {
  Rng rng = own_numbers(weight);
  normal_(weight, mean, deviation, rng);
}
void kaiming_normal_(Tensor weight, const KaimingOptions& options) {
  Rng rng = own_numbers(weight);
  kaiming_normal_(weight, options, rng);
}
void kaiming_uniform_(Tensor weight, const KaimingOptions& options) {
  Rng rng = own_numbers(weight);
  kaiming_uniform_(weight, options, rng);
}
void xavier_normal_(Tensor weight, double gain) {
  Rng rng = own_numbers(weight);
  xavier_normal_(weight, gain, rng);
}
void xavier_uniform_(Tensor weight, double gain) {
  Rng rng = own_numbers(weight);
  xavier_uniform_(weight, gain, rng);
}

}  // namespace tuco
