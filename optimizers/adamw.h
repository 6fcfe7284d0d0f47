// AdamW: Adam with decoupled weight decay (Loshchilov and Hutter, arXiv:1711.05101).
#pragma once
#include "tuco/optimizers/optimizer.h"

namespace tuco {

/// Settings of AdamW.
struct AdamWOptions {
  double lr = 1e-3;
  /// Decay of the moving averages of gradient and squared gradient, in [0, 1).
  double beta1 = 0.9, beta2 = 0.999;
  /// Keeps the division finite; positive.
  double eps = 1e-8;
  /// Share of the weight that each step takes away, times lr.
  double weight_decay = 0.01;
};

/// The update of op::AdamWStep.
class AdamW : public Optimizer {
 public:
  /// Throws Error if a setting is out of range, and as Optimizer does.
  AdamW(const std::vector<Tensor>& parameters, const AdamWOptions& options);
  AdamW(const std::vector<ParameterGroup>& groups, const AdamWOptions& options);

 protected:
  op::Any step_op(double lr, double weight_decay, int64_t steps) const override;

 private:
  AdamWOptions options_;
};

}  // namespace tuco
