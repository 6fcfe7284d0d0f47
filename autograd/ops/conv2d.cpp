#include "tuco/core/ops/conv2d.h"

#include "tuco/autograd/functions.h"
#include "tuco/autograd/rules.h"
#include "tuco/core/error.h"

namespace tuco {

namespace {

// Of images, weight and, if there is one, a bias behind them.
TensorMeta infer_convolution(std::string_view name, const op::Conv2d& conv, Metas in, bool bias) {
  require_alike(name, in);
  require_floating(name, in[0].dtype);
  const WindowGeometry g = geometry(conv, in[0].shape, in[1].shape);
  require<ShapeError>(!bias || in[2].shape == Shape({g.out_c}), "{}: bias {} for weight {}", name,
                      bias ? in[2].shape : Shape(), in[1].shape);
  return {{g.batch, g.out_h, g.out_w, g.out_c}, in[0].dtype, in[0].device};
}

// The gradients of images and weight.
Grads convolution_gradients(const op::Conv2d& conv, const Tensor& images, const Tensor& weight,
                            const Tensor& g, const Needs& needs) {
  Grads result(needs.size());
  if (needs[0])
    result[0] = compute(op::Conv2dGradInput{conv, images.shape()}, std::array{g, weight})[0];
  if (needs[1])
    result[1] = compute(op::Conv2dGradWeight{conv, weight.shape()}, std::array{images, g})[0];
  return result;
}

}  // namespace

OutputMetas infer(const op::Conv2d& op, Metas in) {
  require_inputs(op.name, in.size(), 2, 3);
  return {infer_convolution(op.name, op, in, in.size() > 2)};
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
  Grads result = convolution_gradients(op, images, weight, g[0], needs);
  if (needs.size() > 2 && needs[2]) result[2] = sum(g[0], {0, 1, 2});
  return result;
}

OutputMetas infer(const op::FusedConv2d& op, Metas in) {
  const size_t count = 2 + op.bias + op.addend;
  require_inputs(op.name, in.size(), count, count);
  const TensorMeta result = infer_convolution(op.name, op.conv, in, op.bias);
  require<ShapeError>(!op.addend || in.back().shape == result.shape,
                      "{}: addend {} for an output of {}", op.name, in.back().shape, result.shape);
  return {result};
}
Outputs forward(const op::FusedConv2d& op, Inputs in, Saved* saved) {
  Outputs out = compute(op, in);
  if (saved)
    for (const Tensor& kept : {in[0], in[1], out[0]}) saved->keep(kept);
  return out;
}
Grads backward(const op::FusedConv2d& op, Saved&& saved, Grads grads, const Needs& needs) {
  const Tensor images = saved.take(op.name, 0), weight = saved.take(op.name, 1);
  const Tensor g = clamp_gradient(grads[0], saved.take(op.name, 2), op.low, op.high);
  Grads result = convolution_gradients(op.conv, images, weight, g, needs);
  if (op.bias && needs[2]) result[2] = sum(g, {0, 1, 2});
  if (op.addend && needs.back()) result.back() = g;
  return result;
}
Outputs lower(const op::FusedConv2d& op, Inputs in) {
  Tensor y = conv2d(in[0], in[1], op.bias ? in[2] : Tensor(), op.conv);
  if (op.addend) y = y + in.back();
  return {lower_clamp(y, op.low, op.high)};
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
