#include "tuco/layers/mixup.h"

#include <cmath>
#include <numeric>

#include "tuco/autograd/functions.h"
#include "tuco/autograd/grad_mode.h"
#include "tuco/core/error.h"

namespace tuco {
namespace {

/// Uniform in (0, 1].
double positive_uniform(Rng& rng) { return 1.0 - static_cast<double>(rng.uniform()); }

}  // namespace

double sample_log_gamma(Rng& rng, double shape) {
  require<Error>(shape > 0, "sample_log_gamma: shape {}, expected a positive number", shape);
  if (shape < 1) return sample_log_gamma(rng, shape + 1) + std::log(positive_uniform(rng)) / shape;
  const double d = shape - 1.0 / 3, c = 1 / std::sqrt(9 * d);
  while (true) {
    const double x = rng.normal(), v = std::pow(1 + c * x, 3);
    if (v <= 0) continue;
    if (std::log(positive_uniform(rng)) < 0.5 * x * x + d - d * v + d * std::log(v))
      return std::log(d * v);
  }
}

double sample_beta(Rng& rng, double a, double b) {
  const double x = sample_log_gamma(rng, a), y = sample_log_gamma(rng, b);
  return 1 / (1 + std::exp(y - x));
}

MixedBatch mixup(const Tensor& images, const Tensor& labels, int64_t classes, double alpha,
                 Rng& rng) {
  require<Error>(alpha > 0, "mixup: alpha {}, expected a positive number", alpha);
  require<ShapeError>(images.rank() >= 1 && labels.shape() == Shape({images.dim(0)}),
                      "mixup: labels {} for images {}", labels.shape(), images.shape());
  const NoGrad quiet;
  const double share = sample_beta(rng, alpha, alpha);
  std::vector<int64_t> partners(static_cast<size_t>(images.dim(0)));
  std::iota(partners.begin(), partners.end(), 0);
  for (size_t i = partners.size(); i > 1; --i)
    std::swap(partners[i - 1], partners[rng.below(static_cast<uint32_t>(i))]);
  const Tensor order = from_values(partners, labels.shape()).to(images.device());
  const Tensor targets = one_hot(labels, classes).to(images.dtype());
  const auto mix = [&](const Tensor& x) {
    return x * share + index_select(x, 0, order) * (1 - share);
  };
  return {mix(images), mix(targets), share};
}

}  // namespace tuco
