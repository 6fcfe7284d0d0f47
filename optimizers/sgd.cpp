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

op::Any SGD::step_op(double lr, double weight_decay, int64_t) const {
  return op::SgdStep{lr, options_.momentum, weight_decay, options_.nesterov};
}

}  // namespace tuco
