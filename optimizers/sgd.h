// SGD: stochastic gradient descent with momentum.
#pragma once
#include "tuco/optimizers/optimizer.h"

namespace tuco {

/// Settings of SGD.
struct SgdOptions {
  double lr = 0;
  /// Share of the velocity that stays, in [0, 1).
  double momentum = 0;
  /// Look ahead along the velocity (Sutskever et al., ICML 2013); needs momentum.
  bool nesterov = false;
  /// Times the weight is added to the gradient.
  double weight_decay = 0;
};

/// The update of op::SgdStep: velocity = momentum * velocity + gradient, weight -= lr * velocity.
class SGD : public Optimizer {
 public:
  /// Throws Error if a setting is out of range, and as Optimizer does.
  SGD(const std::vector<Tensor>& parameters, const SgdOptions& options);
  SGD(const std::vector<ParameterGroup>& groups, const SgdOptions& options);

 protected:
  op::Any step_op(double lr, double weight_decay, int64_t steps) const override;

 private:
  SgdOptions options_;
};

}  // namespace tuco
