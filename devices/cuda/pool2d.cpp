#include "tuco/core/ops/pool2d.h"

#include "tuco/devices/cuda/kernels.h"
#include "tuco/devices/cuda/pool2d_kernels.h"

namespace tuco::cuda {
namespace {

template <class Op>
PoolSizes sizes_of(const Op& op, const Shape& images) {
  return pool_sizes(geometry(op.name, op.window, images));
}

}  // namespace

void run(const op::MaxPool2d& op, Inputs in, Out out, Call& call) {
  const PoolSizes sizes = sizes_of(op, in[0].shape());
  // Graphs that were not traced have no place for the winners.
  const bool keeps_winners = out.size() > 1 && out[1].defined();
  dispatch_floating(op.name, in[0].dtype(), [&]<class T>() {
    max_pool_forward<T>(sizes, ptr<T>(in[0]), ptr<T>(out[0]),
                        keeps_winners ? ptr<int32_t>(out[1]) : nullptr, call.stream);
  });
}

void run(const op::MaxPool2dGrad& op, Inputs in, Out out, Call& call) {
  dispatch_floating(op.name, in[0].dtype(), [&]<class T>() {
    max_pool_backward<T>(sizes_of(op, op.images), ptr<T>(in[0]), ptr<int32_t>(in[1]),
                         ptr<T>(out[0]), call.stream);
  });
}

void run(const op::AvgPool2d& op, Inputs in, Out out, Call& call) {
  dispatch_floating(op.name, in[0].dtype(), [&]<class T>() {
    average_pool_forward<T>(sizes_of(op, in[0].shape()), op.window.count_include_pad, ptr<T>(in[0]),
                            ptr<T>(out[0]), call.stream);
  });
}

void run(const op::AvgPool2dGrad& op, Inputs in, Out out, Call& call) {
  dispatch_floating(op.name, in[0].dtype(), [&]<class T>() {
    average_pool_backward<T>(sizes_of(op, op.images), op.window.count_include_pad, ptr<T>(in[0]),
                             ptr<T>(out[0]), call.stream);
  });
}

}  // namespace tuco::cuda
