// Mixup: training on convex combinations of two samples and of their targets (Zhang et al.,
// arXiv:1710.09412).
#pragma once
#include "tuco/core/rng.h"
#include "tuco/core/tensor.h"

namespace tuco {

/// A mixed batch: images as they came in, and class probabilities (n, classes) for cross_entropy.
struct MixedBatch {
  Tensor images, targets;
  /// Share of the original samples.
  double share = 1;
};

/// Mixes each sample with another of the batch, all by one share from Beta(alpha, alpha). `labels`
/// is (n,) int64. Throws ShapeError if the sizes do not fit or a label is outside [0, classes), and
/// Error unless alpha is positive.
MixedBatch mixup(const Tensor& images, const Tensor& labels, int64_t classes, double alpha,
                 Rng& rng);

/// A number in [0, 1] from the Beta(a, b) distribution, a and b positive.
double sample_beta(Rng& rng, double a, double b);
/// The logarithm of a number from the Gamma distribution of that shape, which must be positive, and
/// scale 1 (Marsaglia and Tsang, ACM TOMS 26, 2000); logarithms, since small shapes underflow.
double sample_log_gamma(Rng& rng, double shape);

}  // namespace tuco
