// Batch normalisation (Ioffe and Szegedy, arXiv:1502.03167) over all but the last dimension.
#pragma once
#include <string_view>

#include "tuco/core/tensor.h"

namespace tuco::op {

/// With given statistics. Inputs: x (..., c), gamma, beta, mean, variance (c,). Output: like x.
struct BatchNorm {
  static constexpr std::string_view name = "batch_norm";
  double eps = 1e-5;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("eps", self.eps);
  }
};

/// With the batch's own statistics. Inputs: x (..., c), gamma, beta (c,). Outputs: y like x, and
/// the batch's mean and biased variance (c,), which have no gradient.
struct BatchNormTrain {
  static constexpr std::string_view name = "batch_norm_train";
  double eps = 1e-5;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("eps", self.eps);
  }
};
/// BatchNormTrain and ReLU in one pass, with a tensor added before ReLU where there is a fourth
/// input: the end of a residual block. Inputs: x (..., c), gamma, beta (c,), optionally skip, like
/// x. Outputs: as BatchNormTrain's.
struct BatchNormRelu {
  static constexpr std::string_view name = "batch_norm_relu";
  double eps = 1e-5;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("eps", self.eps);
  }
};
/// The gradient of both. Inputs: gradient of y, x, gamma, beta, mean, variance and, where there was
/// a skip, y. Outputs: gradients of x (which may be x's own memory), gamma, beta and, if so, of the
/// skip (which may be the memory of y's gradient).
struct BatchNormTrainGrad {
  static constexpr std::string_view name = "batch_norm_train_grad";
  double eps = 1e-5;
  bool relu = false;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("eps", self.eps);
    visit("relu", self.relu);
  }
};

/// BatchNormTrain, ReLU and max pooling with stride = kernel in one pass over the images, whose
/// normalised values are never written. Inputs: images (n, h, w, c), gamma, beta (c,). Outputs:
/// pooled (n, h / pool, w / pool, c), mean, biased variance (c,), and one byte for each pooled
/// value that says which cell won.
struct BatchNormReluPool {
  static constexpr std::string_view name = "batch_norm_relu_pool";
  double eps = 1e-5;
  /// Side of the pooling window, 2 to 15.
  int64_t pool = 2;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("eps", self.eps);
    visit("pool", self.pool);
  }
};
/// Inputs: gradient of pooled, images, gamma, beta, mean, variance, pooled, winners. Outputs:
/// gradients of images (which may be the images' own memory), gamma, beta.
struct BatchNormReluPoolGrad {
  static constexpr std::string_view name = "batch_norm_relu_pool_grad";
  double eps = 1e-5;
  int64_t pool = 2;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("eps", self.eps);
    visit("pool", self.pool);
  }
};

}  // namespace tuco::op
