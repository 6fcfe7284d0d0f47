#include "tuco/core/ops/conv2d.h"

#include "tuco/autograd/functions.h"
#include "tuco/autograd/rules.h"
#include "tuco/core/error.h"

namespace tuco {

OutputMetas infer(const op::Conv2d& op, Metas in) {
  require_inputs(op.name, in.size(), 2, 3);
  require_alike(op.name, in);
  require_floating(op.name, in[0].dtype);
  const WindowGeometry g = geometry(op, in[0].shape, in[1].shape);
  require<ShapeError>(in.size() < 3 || in[2].shape == Shape({g.out_c}),
                      "conv2d: bias {} for weight {}", in.size() < 3 ? Shape() : in[2].shape,
                      in[1].shape);
  return {{{g.batch, g.out_h, g.out_w, g.out_c}, in[0].dtype, in[0].device}};
}
Outputs forward(const op::Conv2d& op, Inputs in, Saved* saved) {
  if (saved) {
    saved->keep(in[0]);
    saved->keep(in[1]);
  }
  return compute(op, in);
}
Grads backward(const op::Conv2d& op, Saved&& saved, Grads g, const Needs& needs) {
  const Tensor images = saved.take(op.name, 0), weight = saved.take(op.name, 1);
  Grads result(needs.size());
  if (needs[0])
    result[0] = compute(op::Conv2dGradInput{op, images.shape()}, std::array{g[0], weight})[0];
  if (needs[1])
    result[1] = compute(op::Conv2dGradWeight{op, weight.shape()}, std::array{images, g[0]})[0];
  if (needs.size() > 2 && needs[2]) result[2] = sum(g[0], {0, 1, 2});
  return result;
}
OutputMetas infer(const op::Conv2dGradInput& op, Metas in) {
  require_inputs(op.name, in.size(), 2, 2);
  return {{op.images, in[0].dtype, in[0].device}};
}
OutputMetas infer(const op::Conv2dGradWeight& op, Metas in) {
  require_inputs(op.name, in.size(), 2, 2);
  return {{op.weight, in[0].dtype, in[0].device}};
}

}  // namespace tuco
