#include "tuco/optimizers/sgd.h"

#include "tuco/core/error.h"

namespace tuco {

SGD::SGD(const std::vector<Tensor>& parameters, const SgdOptions& options)
    : SGD(std::vector<ParameterGroup>{{parameters}}, options) {}

SGD::SGD(const std::vector<ParameterGroup>& groups, const SgdOptions& options)
    : Optimizer("SGD", groups, options.lr, options.weight_decay, {"velocity"}), options_(options) {
  require<Error>(options.momentum >= 0 && options.momentum < 1, "SGD: momentum {}, expected [0, 1)",
                 options.momentum);
  require<Error>(!options.nesterov || options.momentum > 0, "SGD: nesterov needs a momentum");
}

void SGD::update(Item& item, const Tensor& gradient, double lr) {
  run_in_place(op::SgdStep{lr, options_.momentum, item.weight_decay, options_.nesterov}, gradient,
               {item.parameter, item.memory[0]});
}

}  // namespace tuco
