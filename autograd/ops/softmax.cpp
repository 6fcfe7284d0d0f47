#include "tuco/core/ops/softmax.h"

#include "tuco/autograd/rules.h"
#include "tuco/core/error.h"

namespace tuco {
namespace {

OutputMetas infer_softmax(std::string_view op, Metas in) {
  require_inputs(op, in.size(), 1, 1);
  require_floating(op, in[0].dtype);
  require<ShapeError>(in[0].shape.rank() >= 1 && in[0].shape.back() > 0,
                      "{}: input {} has nothing in its last dimension", op, in[0].shape);
  return {in[0]};
}

Outputs forward_keeping_output(const op::Any& op, Inputs in, Saved* saved) {
  Outputs out = compute(op, in);
  if (saved) saved->keep(out[0]);
  return out;
}

}  // namespace

OutputMetas infer(const op::Softmax& op, Metas in) { return infer_softmax(op.name, in); }
Outputs forward(const op::Softmax& op, Inputs in, Saved* saved) {
  return forward_keeping_output(op, in, saved);
}
Grads backward(const op::Softmax& op, Saved&& saved, Grads g, const Needs&) {
  return compute(op::SoftmaxGrad{}, std::array{g[0], saved.take(op.name, 0)});
}
OutputMetas infer(const op::SoftmaxGrad& op, Metas in) {
  require_inputs(op.name, in.size(), 2, 2);
  return {in[0]};
}

OutputMetas infer(const op::LogSoftmax& op, Metas in) { return infer_softmax(op.name, in); }
Outputs forward(const op::LogSoftmax& op, Inputs in, Saved* saved) {
  return forward_keeping_output(op, in, saved);
}
Grads backward(const op::LogSoftmax& op, Saved&& saved, Grads g, const Needs&) {
  return compute(op::LogSoftmaxGrad{}, std::array{g[0], saved.take(op.name, 0)});
}
OutputMetas infer(const op::LogSoftmaxGrad& op, Metas in) {
  require_inputs(op.name, in.size(), 2, 2);
  return {in[0]};
}

}  // namespace tuco
