// How weights begin. All of these overwrite a tensor in place, off the tape, with numbers from the
// program's generator (manual_seed) or from a given one, which moves on. Weights have their outputs
// first: (out, in), (out, kh, kw, in / groups).
#pragma once
#include "tuco/core/rng.h"
#include "tuco/core/tensor.h"

namespace tuco {

/// Which side keeps its variance: the inputs going forward, or the gradients going backward.
enum class Fan { in, out };

/// Options of the Kaiming initialisers.
struct KaimingOptions {
  Fan fan = Fan::in;
  /// Slope of the activation below zero: 0 is ReLU, 1 is no activation.
  double negative_slope = 0;
  /// Groups of the convolution, which decide how many outputs an input reaches.
  int64_t groups = 1;
};

/// How many numbers an output sums, or an input reaches. Throws ShapeError below rank 2.
int64_t fan_of(const Shape& weight, Fan fan, int64_t groups = 1);

/// Uniform in [low, high).
void uniform_(Tensor weight, double low, double high, Rng& rng);
void uniform_(Tensor weight, double low, double high);
void normal_(Tensor weight, double mean, double deviation, Rng& rng);
void normal_(Tensor weight, double mean, double deviation);
/// Deviation sqrt(2 / (1 + slope^2) / fan), normal or uniform (He et al., arXiv:1502.01852).
void kaiming_normal_(Tensor weight, const KaimingOptions& options, Rng& rng);
void kaiming_normal_(Tensor weight, const KaimingOptions& options = {});
void kaiming_uniform_(Tensor weight, const KaimingOptions& options, Rng& rng);
void kaiming_uniform_(Tensor weight, const KaimingOptions& options = {});
/// Deviation gain * sqrt(2 / (fan in + fan out)), normal or uniform (Glorot and Bengio, AISTATS
/// 2010): for tanh and sigmoid.
void xavier_normal_(Tensor weight, double gain, Rng& rng);
void xavier_normal_(Tensor weight, double gain = 1);
void xavier_uniform_(Tensor weight, double gain, Rng& rng);
void xavier_uniform_(Tensor weight, double gain = 1);

}  // namespace tuco
