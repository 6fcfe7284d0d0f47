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
  /// What training mode does, and ReLU after it as one op: with `skip` added before ReLU if it is
  /// defined, or with max pooling of window and stride `pool` after it.
  Tensor forward_relu(const Tensor& x, const Tensor& skip = {});
  Tensor forward_relu_pool(const Tensor& images, int64_t pool);
  std::string describe() const override;
  const BatchNormOptions options;
  /// Scale and shift (channels,).
  Parameter weight, bias;
  /// Buffers (channels,): moving averages of the batches' means and unbiased variances.
  Parameter running_mean, running_var;

 private:
  /// Moves the running statistics towards the mean and biased variance of a batch x, but not again
  /// where it is recomputed.
  void update(const Tensor& mean, const Tensor& variance, const Tensor& x);
};

/// (..., channels) normalised: BatchNorm{32}, or BatchNorm{{.channels = 32, .momentum = 0.01}}.
class BatchNorm : public ModuleOf<BatchNormBody> {
 public:
  using ModuleOf::ModuleOf;
  explicit BatchNorm(int64_t channels) : BatchNorm(BatchNormOptions{.channels = channels}) {}
  explicit BatchNorm(const BatchNormOptions& options) : ModuleOf(options) {}
};

}  // namespace tuco
