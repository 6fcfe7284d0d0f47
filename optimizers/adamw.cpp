#include "tuco/optimizers/adamw.h"

#include "tuco/core/error.h"

namespace tuco {

AdamW::AdamW(const std::vector<Tensor>& parameters, const AdamWOptions& options)
    : AdamW(std::vector<ParameterGroup>{{parameters}}, options) {}

AdamW::AdamW(const std::vector<ParameterGroup>& groups, const AdamWOptions& options)
    : Optimizer("AdamW", groups, options.lr, options.weight_decay, {"mean", "square"}),
      options_(options) {
  const auto& o = options;
  require<Error>(o.beta1 >= 0 && o.beta1 < 1 && o.beta2 >= 0 && o.beta2 < 1 && o.eps > 0,
                 "AdamW: beta1 {}, beta2 {}, eps {}, expected betas in [0, 1) and eps > 0", o.beta1,
                 o.beta2, o.eps);
}

op::Any AdamW::step_op(double lr, double weight_decay, int64_t steps) const {
  return op::AdamWStep{lr, options_.beta1, options_.beta2, options_.eps, weight_decay, steps};
}

}  // namespace tuco
