#include "tuco/devices/cuda/resize_kernels.h"

#include "tuco/devices/cuda/launch.h"

namespace tuco::cuda {
namespace {

/// A channel of a pixel of images (n, height, width, channels).
struct Pixel {
  int64_t n, i, j, c;

  __device__ Pixel(int64_t index, int64_t height, int64_t width, int64_t channels) {
    if (index <= INT32_MAX)
      split(static_cast<uint32_t>(index), static_cast<uint32_t>(height),
            static_cast<uint32_t>(width), static_cast<uint32_t>(channels));
    else
      split(index, height, width, channels);
  }

 private:
  /// In 32 bits where these do: division in 64 is slow.
  template <class Int>
  __device__ void split(Int index, Int height, Int width, Int channels) {
    c = index % channels, index /= channels;
    j = index % width, index /= width;
    i = index % height, n = index / height;
  }
};

/// The first pixel of the result whose source is `source` or behind it.
__device__ int64_t first_from(const NearestAxis& axis, int64_t source) {
  int64_t low = 0, high = axis.out;
  while (low < high) {
    const int64_t middle = (low + high) / 2;
    if (axis.source(middle) < source)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

}  // namespace

template <class T>
void resize_nearest(const ResizeSizes& s, const T* x, T* y, cudaStream_t stream) {
  parallel_for(s.batch * s.rows.out * s.columns.out * s.channels, stream,
               [=] __device__(int64_t index) {
                 const Pixel to(index, s.rows.out, s.columns.out, s.channels);
                 const int64_t row = to.n * s.rows.in + s.rows.source(to.i);
                 y[index] = x[(row * s.columns.in + s.columns.source(to.j)) * s.channels + to.c];
               });
}

template <class T>
void resize_nearest_backward(const ResizeSizes& s, const T* dy, T* dx, cudaStream_t stream) {
  parallel_for(
      s.batch * s.rows.in * s.columns.in * s.channels, stream, [=] __device__(int64_t index) {
        const Pixel to(index, s.rows.in, s.columns.in, s.channels);
        // Sources ascend: the pixels that were made of this one are neighbours.
        const int64_t rows_end = first_from(s.rows, to.i + 1), first = first_from(s.columns, to.j),
                      end = first_from(s.columns, to.j + 1);
        T sum = 0;
        for (int64_t i = first_from(s.rows, to.i); i < rows_end; ++i)
          for (int64_t j = first; j < end; ++j)
            sum += dy[((to.n * s.rows.out + i) * s.columns.out + j) * s.channels + to.c];
        dx[index] = sum;
      });
}

#define TUCO_INSTANTIATE(T) \
  template void resize_nearest<T>(const ResizeSizes&, const T*, T*, cudaStream_t);
TUCO_INSTANTIATE(uint8_t)
TUCO_INSTANTIATE(uint16_t)
TUCO_INSTANTIATE(uint32_t)
TUCO_INSTANTIATE(uint64_t)
#undef TUCO_INSTANTIATE
#define TUCO_INSTANTIATE(T) \
  template void resize_nearest_backward<T>(const ResizeSizes&, const T*, T*, cudaStream_t);
TUCO_INSTANTIATE(float)
TUCO_INSTANTIATE(double)
#undef TUCO_INSTANTIATE

}  // namespace tuco::cuda
