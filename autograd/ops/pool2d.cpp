#include "tuco/core/ops/pool2d.h"

#include "tuco/autograd/functions.h"
#include "tuco/autograd/rules.h"

namespace tuco {

OutputMetas infer(const op::MaxPool2d& op, Metas in) {
  require_inputs(op.name, in.size(), 1, 1);
  require_floating(op.name, in[0].dtype);
  const WindowGeometry g = geometry(op.name, op.window, in[0].shape);
  const Shape shape{g.batch, g.out_h, g.out_w, g.out_c};
  return {{shape, in[0].dtype, in[0].device}, {shape, DType::int32, in[0].device}};
}
Outputs forward(const op::MaxPool2d& op, Inputs in, Saved* saved) {
  Outputs out = compute(op, in);
  if (saved) {
    saved->keep(out[1]);
    saved->keep(in[0].shape());
  }
  return out;
}
Grads backward(const op::MaxPool2d& op, Saved&& saved, Grads g, const Needs&) {
  return compute(op::MaxPool2dGrad{op.window, saved.shape(0)},
                 std::array{g[0], saved.take(op.name, 0)});
}
OutputMetas infer(const op::MaxPool2dGrad& op, Metas in) {
  require_inputs(op.name, in.size(), 2, 2);
  return {{op.images, in[0].dtype, in[0].device}};
}

OutputMetas infer(const op::AvgPool2d& op, Metas in) {
  require_inputs(op.name, in.size(), 1, 1);
  require_floating(op.name, in[0].dtype);
  const WindowGeometry g = geometry(op.name, op.window, in[0].shape);
  return {{{g.batch, g.out_h, g.out_w, g.out_c}, in[0].dtype, in[0].device}};
}
Outputs forward(const op::AvgPool2d& op, Inputs in, Saved* saved) {
  if (saved) saved->keep(in[0].shape());
  return compute(op, in);
}
Grads backward(const op::AvgPool2d& op, Saved&& saved, Grads g, const Needs&) {
  return compute(op::AvgPool2dGrad{op.window, saved.shape(0)}, g);
}
OutputMetas infer(const op::AvgPool2dGrad& op, Metas in) {
  require_inputs(op.name, in.size(), 1, 1);
  return {{op.images, in[0].dtype, in[0].device}};
}

}  // namespace tuco
