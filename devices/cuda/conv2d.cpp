// Convolutions: by cuDNN, and by kernels of our own what it refuses.
#include "tuco/core/ops/conv2d.h"

#include "tuco/devices/cuda/conv2d_kernels.h"
#include "tuco/devices/cuda/convolution_plans.h"
#include "tuco/devices/cuda/device_context.h"

namespace tuco::cuda {
namespace {

/// cuDNN's convolution, or ours where it has none.
template <class T>
void run_forward(const WindowGeometry& g, const Tensor& images, const Tensor& weight,
                 const Epilogue<T>& epilogue, const Tensor& output, Call& call) {
  if (output.numel() == 0) return;
  T *x = ptr<T>(images), *w = ptr<T>(weight), *y = ptr<T>(output);
  if (call.device.convolutions().run<T>(Direction::forward, g, {x, w, y}, epilogue, call)) return;
  conv2d_forward(g, x, w, y, call.stream);
  finish(epilogue, g.batch * g.out_h * g.out_w, g.out_c, y, call.stream);
}

}  // namespace

void run(const op::Conv2d& op, Inputs in, Out out, Call& call) {
  const WindowGeometry g = geometry(op, in[0].shape(), in[1].shape());
  dispatch_floating(op.name, out[0].dtype(), [&]<class T>() {
    run_forward<T>(g, in[0], in[1], {in.size() > 2 ? ptr<T>(in[2]) : nullptr}, out[0], call);
  });
}

void run(const op::FusedConv2d& op, Inputs in, Out out, Call& call) {
  const WindowGeometry g = geometry(op.conv, in[0].shape(), in[1].shape());
  dispatch_floating(op.name, out[0].dtype(), [&]<class T>() {
    const Epilogue<T> epilogue{op.bias ? ptr<T>(in[2]) : nullptr,
                               op.addend ? ptr<T>(in[op.bias ? 3 : 2]) : nullptr, op.low, op.high};
    run_forward<T>(g, in[0], in[1], epilogue, out[0], call);
  });
}

void run(const op::Conv2dGradInput& op, Inputs in, Out out, Call& call) {
  const WindowGeometry g = geometry(op.conv, op.images, in[1].shape());
  if (out[0].numel() == 0) return;
  dispatch_floating(op.name, out[0].dtype(), [&]<class T>() {
    T *dy = ptr<T>(in[0]), *w = ptr<T>(in[1]), *dx = ptr<T>(out[0]);
    if (in[0].numel() > 0 &&
        call.device.convolutions().run<T>(Direction::grad_input, g, {dx, w, dy}, {}, call))
      return;
    conv2d_grad_input(g, dy, w, dx, call.stream);
  });
}

void run(const op::Conv2dGradWeight& op, Inputs in, Out out, Call& call) {
  const WindowGeometry g = geometry(op.conv, in[0].shape(), op.weight);
  dispatch_floating(op.name, out[0].dtype(), [&]<class T>() {
    T *x = ptr<T>(in[0]), *dy = ptr<T>(in[1]), *dw = ptr<T>(out[0]);
    if (in[1].numel() > 0 &&
        call.device.convolutions().run<T>(Direction::grad_weight, g, {x, dw, dy}, {}, call))
      return;
    conv2d_grad_weight(g, x, dy, dw, call.stream);
  });
}

}  // namespace tuco::cuda
