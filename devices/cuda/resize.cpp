#include "tuco/core/ops/resize.h"

#include "tuco/devices/cuda/kernels.h"
#include "tuco/devices/cuda/resize_kernels.h"
#include "tuco/devices/dispatch_size.h"

namespace tuco::cuda {
namespace {

ResizeSizes sizes_of(const op::ResizeNearest& op, const Shape& from, const Shape& to) {
  const auto axis = [&](int dim) {
    return NearestAxis{from[dim], to[dim], op.align_corners, op.half_pixel_centers};
  };
  return {to[0], to[3], axis(1), axis(2)};
}

}  // namespace

void run(const op::ResizeNearest& op, Inputs in, Out out, Call& call) {
  const ResizeSizes sizes = sizes_of(op, in[0].shape(), out[0].shape());
  dispatch_size(in[0].dtype(), [&]<class T>() {
    resize_nearest<T>(sizes, ptr<T>(in[0]), ptr<T>(out[0]), call.stream);
  });
}

void run(const op::ResizeNearestGrad& op, Inputs in, Out out, Call& call) {
  const ResizeSizes sizes = sizes_of(op.resize, out[0].shape(), in[0].shape());
  dispatch_floating(op.name, in[0].dtype(), [&]<class T>() {
    resize_nearest_backward<T>(sizes, ptr<T>(in[0]), ptr<T>(out[0]), call.stream);
  });
}

}  // namespace tuco::cuda
