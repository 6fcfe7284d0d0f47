#include "tuco/layers/linear.h"

#include <cmath>

#include "tuco/autograd/functions.h"
#include "tuco/core/error.h"
#include "tuco/layers/init.h"

namespace tuco {

LinearBody::LinearBody(const LinearOptions& o) : options(o) {
  require<ShapeError>(o.in > 0 && o.out > 0,
                      "Linear: .in = {}, .out = {}, expected positive numbers", o.in, o.out);
  const double bound = 1 / std::sqrt(static_cast<double>(o.in));
  weight = add_parameter("weight", empty({o.out, o.in}));
  uniform_(weight, -bound, bound);
  if (!o.bias) return;
  bias = add_parameter("bias", empty({o.out}));
  uniform_(bias, -bound, bound);
}

Tensor LinearBody::forward(const Tensor& x) { return linear(x, weight, bias); }

std::string LinearBody::describe() const {
  return fmt::format("{} -> {}{}", options.in, options.out, options.bias ? "" : ", no bias");
}

}  // namespace tuco
