#include "tuco/devices/cuda/conv2d_kernels.h"

#include "tuco/devices/cuda/block_reduce.h"

namespace tuco::cuda {
namespace conv2d {

/// Channels of a group, and cells of the kernel.
struct Sizes {
  explicit Sizes(const WindowGeometry& g)
      : in(g.in_c / g.groups), out(g.out_c / g.groups), cells(g.kernel.h * g.kernel.w) {}
  int64_t in, out, cells;
};

}  // namespace conv2d

namespace {

using conv2d::Sizes;

template <class T>
__global__ void __launch_bounds__(kThreads)
    grad_weight_kernel(WindowGeometry g, Sizes c, const T* x, const T* dy, T* dw) {
  // A block for each weight.
  const int64_t i = blockIdx.x;
  const int64_t channel = i % c.in, cell = i / c.in % c.cells, o = i / c.in / c.cells;
  const int64_t row = cell / g.kernel.w * g.dilation.h - g.padding.top,
                column = cell % g.kernel.w * g.dilation.w - g.padding.left;
  const int64_t from = o / c.out * c.in + channel;
  double sum = 0;
  for (int64_t at = threadIdx.x; at < g.batch * g.out_h * g.out_w; at += blockDim.x) {
    const int64_t h = at / g.out_w % g.out_h * g.stride.h + row,
                  w = at % g.out_w * g.stride.w + column, n = at / g.out_w / g.out_h;
    if (h >= 0 && h < g.in_h && w >= 0 && w < g.in_w)
      sum += static_cast<double>(dy[at * g.out_c + o]) *
             static_cast<double>(x[((n * g.in_h + h) * g.in_w + w) * g.in_c + from]);
  }
  sum = reduce_block(sum, 0.0, AddOf{});
  if (threadIdx.x == 0) dw[i] = static_cast<T>(sum);
}

}  // namespace

template <class T>
void conv2d_forward(const WindowGeometry& geometry, const T* x, const T* w, T* y,
                    cudaStream_t stream) {
  const WindowGeometry g = geometry;
  const Sizes c(g);
  parallel_for(g.batch * g.out_h * g.out_w * g.out_c, stream, [=] __device__(int64_t i) {
    const int64_t o = i % g.out_c, at = i / g.out_c;
    const int64_t n = at / g.out_w / g.out_h, top = at / g.out_w % g.out_h * g.stride.h,
                  left = at % g.out_w * g.stride.w;
    T sum = 0;
    for (int64_t cell = 0; cell < c.cells; ++cell) {
      const int64_t h = top + cell / g.kernel.w * g.dilation.h - g.padding.top,
                    v = left + cell % g.kernel.w * g.dilation.w - g.padding.left;
      if (h < 0 || h >= g.in_h || v < 0 || v >= g.in_w) continue;
      const T* in = x + ((n * g.in_h + h) * g.in_w + v) * g.in_c + o / c.out * c.in;
      const T* k = w + (o * c.cells + cell) * c.in;
      for (int64_t q = 0; q < c.in; ++q) sum += in[q] * k[q];
    }
    y[i] = sum;
  });
}

template <class T>
void conv2d_grad_input(const WindowGeometry& geometry, const T* dy, const T* w, T* dx,
                       cudaStream_t stream) {
  const WindowGeometry g = geometry;
  const Sizes c(g);
  parallel_for(g.batch * g.in_h * g.in_w * g.in_c, stream, [=] __device__(int64_t i) {
    const int64_t channel = i % g.in_c, at = i / g.in_c, group = channel / c.in;
    const int64_t n = at / g.in_w / g.in_h, h = at / g.in_w % g.in_h, v = at % g.in_w;
    T sum = 0;
    for (int64_t cell = 0; cell < c.cells; ++cell) {
      // The window whose cell lies on this pixel, if there is one.
      const int64_t down = h + g.padding.top - cell / g.kernel.w * g.dilation.h,
                    right = v + g.padding.left - cell % g.kernel.w * g.dilation.w;
      if (down < 0 || right < 0 || down % g.stride.h != 0 || right % g.stride.w != 0) continue;
      const int64_t row = down / g.stride.h, column = right / g.stride.w;
      if (row >= g.out_h || column >= g.out_w) continue;
      const T* out = dy + ((n * g.out_h + row) * g.out_w + column) * g.out_c + group * c.out;
      const T* k = w + (group * c.out * c.cells + cell) * c.in + channel % c.in;
      for (int64_t o = 0; o < c.out; ++o) sum += out[o] * k[o * c.cells * c.in];
    }
    dx[i] = sum;
  });
}

template <class T>
void conv2d_grad_weight(const WindowGeometry& g, const T* x, const T* dy, T* dw,
                        cudaStream_t stream) {
  const Sizes c(g);
  const int64_t weights = g.out_c * c.cells * c.in;
  if (weights == 0) return;
  launch(grad_weight_kernel<T>, dim3(static_cast<unsigned>(weights)), dim3(kThreads), 0, stream, g,
         c, x, dy, dw);
}

#define TUCO_CONV2D(T)                                                                          \
  template void conv2d_forward(const WindowGeometry&, const T*, const T*, T*, cudaStream_t);    \
  template void conv2d_grad_input(const WindowGeometry&, const T*, const T*, T*, cudaStream_t); \
  template void conv2d_grad_weight(const WindowGeometry&, const T*, const T*, T*, cudaStream_t);
TUCO_CONV2D(float)
TUCO_CONV2D(double)

}  // namespace tuco::cuda
