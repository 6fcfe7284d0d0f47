#include "tuco/core/ops/pool2d.h"

#include "tuco/devices/cpu/kernels.h"
#include "tuco/devices/cpu/pool_kernels.h"

namespace tuco::cpu {

void run(const op::MaxPool2d& op, Inputs in, Out out, Workspace&) {
  const WindowGeometry g = geometry(op.name, op.window, in[0].shape());
  // Graphs that were not traced have no place for the winners.
  const bool keeps_winners = out.size() > 1 && out[1].defined();
  dispatch_floating(op.name, in[0].dtype(), [&]<class T>() {
    max_pool_forward<T>(g, ptr<T>(in[0]), ptr<T>(out[0]),
                        keeps_winners ? ptr<int32_t>(out[1]) : nullptr);
  });
}

void run(const op::MaxPool2dGrad& op, Inputs in, Out out, Workspace&) {
  const WindowGeometry g = geometry(op.name, op.window, op.images);
  dispatch_floating(op.name, in[0].dtype(), [&]<class T>() {
    max_pool_backward<T>(g, ptr<T>(in[0]), ptr<int32_t>(in[1]), ptr<T>(out[0]));
  });
}

void run(const op::AvgPool2d& op, Inputs in, Out out, Workspace&) {
  const WindowGeometry g = geometry(op.name, op.window, in[0].shape());
  dispatch_floating(op.name, in[0].dtype(), [&]<class T>() {
    average_pool_forward<T>(g, op.window.count_include_pad, ptr<T>(in[0]), ptr<T>(out[0]));
  });
}

void run(const op::AvgPool2dGrad& op, Inputs in, Out out, Workspace&) {
  const WindowGeometry g = geometry(op.name, op.window, op.images);
  dispatch_floating(op.name, in[0].dtype(), [&]<class T>() {
    average_pool_backward<T>(g, op.window.count_include_pad, ptr<T>(in[0]), ptr<T>(out[0]));
  });
}

}  // namespace tuco::cpu
