#include "tuco/core/ops/custom.h"

#include "tuco/autograd/rules.h"
#include "tuco/core/error.h"

namespace tuco {

OutputMetas infer(const op::Custom& op, Metas in) { return op.implementation->infer(in); }

Outputs forward(const op::Custom& op, Inputs in, Saved* saved) {
  std::vector<TensorMeta> metas;
  for (const Tensor& tensor : in) metas.push_back(tensor.meta());
  const auto expected = op.implementation->infer(metas);
  std::vector<Tensor> kept;
  Outputs out = op.implementation->forward(in, kept);
  require<ShapeError>(out.size() == expected.size(), "{}: forward gave {} outputs, infer {}",
                      op.implementation->name(), out.size(), expected.size());
  for (size_t i = 0; i < out.size(); ++i) {
    require<ShapeError>(out[i].defined() && out[i].meta() == expected[i],
                        "{}: output {} is not what infer says", op.implementation->name(), i);
    // A user's op may give a tensor that it or others hold: the tape marks a handle of its own.
    out[i] = out[i].detach();
  }
  for (const Tensor& tensor : kept) {
    require<Error>(tensor.defined(), "{}: an undefined tensor was saved",
                   op.implementation->name());
    if (saved) saved->keep(tensor);
  }
  return out;
}

Grads backward(const op::Custom& op, Saved&& saved, Grads g, const Needs& needs) {
  std::vector<Tensor> kept;
  for (int i = 0; i < saved.size(); ++i) kept.push_back(saved.take(op.name, i));
  Grads result = op.implementation->backward(kept, g);
  require<ShapeError>(result.size() == needs.size(), "{}: backward gave {} gradients for {} inputs",
                      op.implementation->name(), result.size(), needs.size());
  return result;
}

}  // namespace tuco
