#include "tuco/layers/residual.h"

#include "tuco/autograd/functions.h"
#include "tuco/autograd/run_op.h"
#include "tuco/layers/batch_norm.h"
#include "tuco/layers/sequential.h"

namespace tuco {

ResidualBody::ResidualBody(const ResidualOptions& options) : relu(options.relu) {
  body = add("body", options.body);
  if (options.shortcut.defined()) shortcut = add("shortcut", options.shortcut);
}

Tensor ResidualBody::forward(const Tensor& x) {
  const auto around = [&] { return shortcut.defined() ? shortcut(x) : x; };
  if (!relu) return body(x) + around();
  if (!fused() || current_tracer() != nullptr) return tuco::relu(body(x) + around());
  // A body that ends with batch norm: that, the sum and ReLU are one op.
  if (body.is<Sequential>()) {
    const auto& sequence = static_cast<const SequentialBody&>(body.body());
    if (sequence.size() > 0) {
      const Module& last = sequence.children().back().second;
      if (last.is<BatchNorm>() && last.training()) {
        const Tensor skip = around();
        const ModuleScope in_body(sequence);
        const Tensor y = sequence.forward_first(x, sequence.size() - 1);
        auto& norm = static_cast<BatchNormBody&>(last.body());
        const ModuleScope in_norm(norm);
        return norm.forward_relu(y, skip);
      }
    }
  }
  return add_relu(body(x), around());
}

std::string ResidualBody::describe() const { return relu ? "then ReLU" : ""; }

}  // namespace tuco
