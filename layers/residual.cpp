#include "tuco/layers/residual.h"

#include "tuco/autograd/functions.h"

namespace tuco {

ResidualBody::ResidualBody(const ResidualOptions& options) : relu(options.relu) {
  body = add("body", options.body);
  if (options.shortcut.defined()) shortcut = add("shortcut", options.shortcut);
}

Tensor ResidualBody::forward(const Tensor& x) {
  const Tensor sum = body(x) + (shortcut.defined() ? shortcut(x) : x);
  return relu ? tuco::relu(sum) : sum;
}

std::string ResidualBody::describe() const { return relu ? "then ReLU" : ""; }

}  // namespace tuco
