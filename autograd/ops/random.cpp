#include "tuco/core/ops/random.h"

#include "tuco/autograd/rules.h"

namespace tuco {

OutputMetas infer(const op::Dropout& op, Metas in) {
  require_inputs(op.name, in.size(), 1, 1);
  require_floating(op.name, in[0].dtype);
  return {in[0]};
}
Grads backward(const op::Dropout& op, Saved&&, Grads g, const Needs&) {
  // The same place of the stream gives the same mask.
  return compute(op, g);
}
OutputMetas infer(const op::Random& op, Metas in) {
  require_inputs(op.name, in.size(), 0, 0);
  return {op.meta};
}

}  // namespace tuco
