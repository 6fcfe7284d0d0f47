#include "tuco/core/ops/conv2d.h"

#include "tuco/devices/cpu/conv2d_kernels.h"
#include "tuco/devices/cpu/kernels.h"

namespace tuco::cpu {

void run(const op::Conv2d& op, Inputs in, Out out, Workspace&) {
  const WindowGeometry g = geometry(op, in[0].shape(), in[1].shape());
  dispatch_floating(op.name, out[0].dtype(), [&]<class T>() {
    conv2d_forward<T>(g, ptr<T>(in[0]), ptr<T>(in[1]), in.size() > 2 ? ptr<T>(in[2]) : nullptr,
                      ptr<T>(out[0]));
  });
}

void run(const op::Conv2dGradInput& op, Inputs in, Out out, Workspace&) {
  const WindowGeometry g = geometry(op.conv, op.images, in[1].shape());
  dispatch_floating(op.name, out[0].dtype(), [&]<class T>() {
    conv2d_grad_input<T>(g, ptr<T>(in[0]), ptr<T>(in[1]), ptr<T>(out[0]));
  });
}

void run(const op::Conv2dGradWeight& op, Inputs in, Out out, Workspace&) {
  const WindowGeometry g = geometry(op.conv, in[0].shape(), op.weight);
  dispatch_floating(op.name, out[0].dtype(), [&]<class T>() {
    conv2d_grad_weight<T>(g, ptr<T>(in[0]), ptr<T>(in[1]), ptr<T>(out[0]));
  });
}

}  // namespace tuco::cpu
