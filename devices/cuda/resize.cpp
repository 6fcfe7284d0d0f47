#include "tuco/core/ops/resize.h"

#include "tuco/devices/cuda/kernels.h"
#include "tuco/devices/cuda/resize_kernels.h"

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
  const auto resize = [&]<class T>() {
    resize_nearest<T>(sizes, ptr<T>(in[0]), ptr<T>(out[0]), call.stream);
  };
  switch (size_of(in[0].dtype())) {
    case 1:
      return resize.operator()<uint8_t>();
    case 2:
      return resize.operator()<uint16_t>();
    case 4:
      return resize.operator()<uint32_t>();
    default:
      return resize.operator()<uint64_t>();
  }
}

void run(const op::ResizeNearestGrad& op, Inputs in, Out out, Call& call) {
  const ResizeSizes sizes = sizes_of(op.resize, out[0].shape(), in[0].shape());
  dispatch_floating(op.name, in[0].dtype(), [&]<class T>() {
    resize_nearest_backward<T>(sizes, ptr<T>(in[0]), ptr<T>(out[0]), call.stream);
  });
}

}  // namespace tuco::cuda
