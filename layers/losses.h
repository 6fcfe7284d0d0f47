// Losses: what training makes small. Each gives one number, the mean over the batch.
#pragma once
#include "tuco/core/tensor.h"

namespace tuco {

/// Options of cross_entropy.
struct CrossEntropyOptions {
  /// Share of the target spread evenly over all classes (Szegedy et al., arXiv:1512.00567), in
  /// [0, 1).
  double label_smoothing = 0;
};

/// Cross entropy of softmax(logits), logits (n, classes), with labels (n,) int64, or with the
/// classes' probabilities (n, classes) of logits' type. Throws ShapeError if shapes do not fit or a
/// label is outside [0, classes), and DTypeError for targets of another type.
Tensor cross_entropy(const Tensor& logits, const Tensor& targets,
                     const CrossEntropyOptions& options = {});

/// Mean of (prediction - target)^2 over all elements. Throws ShapeError unless the shapes are
/// equal.
Tensor mse_loss(const Tensor& prediction, const Tensor& target);

/// How many rows of logits (n, classes) are largest at their label; no loss, but what one looks at.
int64_t count_correct(const Tensor& logits, const Tensor& labels);

}  // namespace tuco
