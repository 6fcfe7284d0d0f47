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

void AdamW::update(Item& item, const Tensor& gradient, double lr) {
  run_in_place(op::AdamWStep{lr, options_.beta1, options_.beta2, options_.eps, item.weight_decay,
                             item.steps},
               gradient, {item.parameter, item.memory[0], item.memory[1]});
}

}  // namespace tuco
