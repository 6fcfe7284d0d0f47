// BatchNorm: batch normalisation (Ioffe and Szegedy, arXiv:1502.03167) over all but the last
// dimension, with running statistics for evaluation.
#pragma once
#include "tuco/layers/module.h"

namespace tuco {

/// Options of BatchNorm.
struct BatchNormOptions {
  int64_t channels = 0;
  /// Weight of the newest batch in the running statistics.
  double momentum = 0.1;
  double eps = 1e-5;
};

struct BatchNormBody : Module::Body {
  /// Throws ShapeError unless there is a channel, and Error for a negative eps or a momentum
  /// outside [0, 1].
  explicit BatchNormBody(const BatchNormOptions& options);
  /// In training mode normalises with the batch's statistics and updates the running ones; throws
  /// ShapeError then if there is only one value for each channel.
  Tensor forward(const Tensor& x) override;
  std::string describe() const override;
  /// Moves the running statistics towards a batch's mean and biased variance, which were taken over
  /// `count` values for each channel.
  void update(const Tensor& mean, const Tensor& variance, int64_t count);

  const BatchNormOptions options;
  /// Scale and shift (channels,).
  Parameter weight, bias;
  /// Buffers (channels,): moving averages of the batches' means and unbiased variances.
  Parameter running_mean, running_var;
};

/// (..., channels) normalised: BatchNorm{32}, or BatchNorm{{.channels = 32, .momentum = 0.01}}.
class BatchNorm : public ModuleOf<BatchNormBody> {
 public:
  using ModuleOf::ModuleOf;
  explicit BatchNorm(int64_t channels) : BatchNorm(BatchNormOptions{.channels = channels}) {}
  explicit BatchNorm(const BatchNormOptions& options) : ModuleOf(options) {}
};

}  // namespace tuco
