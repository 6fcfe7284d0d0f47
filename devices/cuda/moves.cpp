// Copies, casts, joins, look-ups and choices.
#include "tuco/core/error.h"
#include "tuco/devices/cuda/device_context.h"
#include "tuco/devices/cuda/kernels.h"
#include "tuco/devices/cuda/moves_kernels.h"
#include "tuco/devices/cuda/walk.h"
#include "tuco/devices/dispatch_size.h"

namespace tuco::cuda {
namespace {

/// Copies `from` over the elements of `to_storage` that `to` describes; the same shape.
void copy_into(const Tensor& from, const Tensor& to_storage, const Layout& to, Call& call) {
  dispatch_size(from.dtype(), [&]<class T>() {
    for_each_walk<2>({from.layout(), to}, [&](const Strided<2>& walk, const auto& start) {
      const T* x = base<T>(from) + start[0];
      T* y = base<T>(to_storage) + start[1];
      if (is_dense(walk))
        check(cudaMemcpyAsync(y, x, walk.count * sizeof(T), cudaMemcpyDeviceToDevice, call.stream),
              "cudaMemcpyAsync on the device");
      else
        copy(x, y, walk, call.stream);
    });
  });
}

GatherShape gather_shape(const Shape& data, const Shape& index, int dim) {
  GatherShape shape{1, data[dim], index[dim], 1, dim};
  for (int d = 0; d < dim; ++d) shape.outer *= data[d];
  for (int d = dim + 1; d < data.rank(); ++d) shape.inner *= data[d];
  return shape;
}

}  // namespace

void run(const op::Copy&, Inputs in, Out out, Call& call) {
  copy_into(in[0], out[0], out[0].layout(), call);
}

void run(const op::Cast& op, Inputs in, Out out, Call& call) {
  dispatch_all(op.name, in[0].dtype(), [&]<class From>() {
    dispatch_all(op.name, op.dtype, [&]<class To>() {
      for_each_walk<2>(
          {in[0].layout(), out[0].layout()}, [&](const Strided<2>& walk, const auto& start) {
            cast(base<From>(in[0]) + start[0], base<To>(out[0]) + start[1], walk, call.stream);
          });
    });
  });
}

void run(const op::Where&, Inputs in, Out out, Call& call) {
  const Shape& shape = out[0].shape();
  dispatch_size(out[0].dtype(), [&]<class T>() {
    for_each_walk<4>({in[0].layout().expand(shape), in[1].layout().expand(shape),
                      in[2].layout().expand(shape), out[0].layout()},
                     [&](const Strided<4>& walk, const auto& start) {
                       where<T>(base<bool>(in[0]) + start[0], base<T>(in[1]) + start[1],
                                base<T>(in[2]) + start[2], base<T>(out[0]) + start[3], walk,
                                call.stream);
                     });
  });
}

void run(const op::Concat& op, Inputs in, Out out, Call& call) {
  int64_t start = 0;
  for (const Tensor& x : in) {
    const int64_t stop = start + x.shape()[op.dim];
    copy_into(x, out[0], out[0].layout().slice(op.dim, start, stop, 1), call);
    start = stop;
  }
}

void run(const op::Pad& op, Inputs in, Out out, Call& call) {
  run(op::Fill{op.value, 0}, {}, out, call);
  Layout middle = out[0].layout();
  for (int d = 0; d < in[0].rank(); ++d)
    middle = middle.slice(d, op.before[d], op.before[d] + in[0].shape()[d], 1);
  copy_into(in[0], out[0], middle, call);
}

void run(const op::Gather& op, Inputs in, Out out, Call& call) {
  const GatherShape shape = gather_shape(in[0].shape(), in[1].shape(), op.dim);
  dispatch_size(out[0].dtype(), [&]<class T>() {
    gather(shape, ptr<T>(in[0]), ptr<int64_t>(in[1]), ptr<T>(out[0]), call.device.fault(),
           call.stream);
  });
}

void run(const op::GatherGrad& op, Inputs in, Out out, Call& call) {
  const GatherShape shape = gather_shape(out[0].shape(), in[1].shape(), op.dim);
  dispatch_floating(op.name, out[0].dtype(), [&]<class T>() {
    gather_grad<T>(shape, ptr<T>(in[0]), ptr<int64_t>(in[1]), ptr<T>(out[0]), call.stream);
  });
}

}  // namespace tuco::cuda
