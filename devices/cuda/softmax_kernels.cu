// Softmax with a group of threads for each row: a warp for a short one, of which a block has
// several, and a whole block for a long one.
#include "tuco/devices/cuda/softmax_kernels.h"

#include <limits>

#include "tuco/devices/cuda/block_reduce.h"
#include "tuco/devices/cuda/formulas.h"

namespace tuco::cuda {
namespace {

/// Numbers of a row from which on a block takes it.
constexpr int64_t kLongRow = 1024;

/// A warp as the threads of a row.
struct RowOfWarp {
  static constexpr int kSize = 32;
  __device__ static int64_t first_row() {
    return int64_t{blockIdx.x} * (blockDim.x / 32) + threadIdx.x / 32;
  }
  __device__ static int64_t step() { return int64_t{gridDim.x} * (blockDim.x / 32); }
  __device__ static int64_t thread() { return threadIdx.x % 32; }
  template <class T, class Op>
  __device__ static T reduce(T value, T, const Op& op) {
    return reduce_warp(value, op);
  }
};

/// A block as the threads of a row.
struct RowOfBlock {
  static constexpr int kSize = kThreads;
  __device__ static int64_t first_row() { return blockIdx.x; }
  __device__ static int64_t step() { return gridDim.x; }
  __device__ static int64_t thread() { return threadIdx.x; }
  template <class T, class Op>
  __device__ static T reduce(T value, T neutral, const Op& op) {
    return reduce_block(value, neutral, op);
  }
};

// All threads of a group go through the same rows, as its reductions want. Each of them reads and
// writes its own numbers of a row alone, so that results may take the place of operands.

template <class Row, class T>
__global__ void __launch_bounds__(kThreads)
    forward_kernel(bool log, int64_t rows, int64_t n, const T* x, T* y) {
  for (int64_t row = Row::first_row(); row < rows; row += Row::step()) {
    const T* from = x + row * n;
    T top = -std::numeric_limits<T>::infinity(), sum = 0;
    for (int64_t i = Row::thread(); i < n; i += Row::kSize) top = MaxOf()(top, from[i]);
    top = Row::reduce(top, -std::numeric_limits<T>::infinity(), MaxOf());
    for (int64_t i = Row::thread(); i < n; i += Row::kSize) sum += cuda::exp(from[i] - top);
    sum = Row::reduce(sum, T{0}, AddOf());
    const T log_sum = cuda::log(sum);
    for (int64_t i = Row::thread(); i < n; i += Row::kSize) {
      const T difference = from[i] - top;
      y[row * n + i] = log ? difference - log_sum : cuda::exp(difference) / sum;
    }
  }
}

template <class Row, class T>
__global__ void __launch_bounds__(kThreads)
    backward_kernel(bool log, int64_t rows, int64_t n, const T* y, const T* dy, T* dx) {
  for (int64_t row = Row::first_row(); row < rows; row += Row::step()) {
    const int64_t first = row * n;
    T sum = 0;
    for (int64_t i = Row::thread(); i < n; i += Row::kSize)
      sum += log ? dy[first + i] : dy[first + i] * y[first + i];
    sum = Row::reduce(sum, T{0}, AddOf());
    for (int64_t i = Row::thread(); i < n; i += Row::kSize) {
      const T value = y[first + i], gradient = dy[first + i];
      dx[first + i] = log ? gradient - cuda::exp(value) * sum : value * (gradient - sum);
    }
  }
}

/// Blocks for so many rows of n numbers.
unsigned row_blocks(int64_t rows, int64_t n) {
  return n < kLongRow ? blocks_for(rows, kThreads / 32) : blocks_for(rows, 1);
}

}  // namespace

template <class T>
void softmax_forward(bool log, int64_t rows, int64_t n, const T* x, T* y, cudaStream_t stream) {
  if (rows == 0 || n == 0) return;
  launch(n < kLongRow ? forward_kernel<RowOfWarp, T> : forward_kernel<RowOfBlock, T>,
         row_blocks(rows, n), kThreads, 0, stream, log, rows, n, x, y);
}

template <class T>
void softmax_backward(bool log, int64_t rows, int64_t n, const T* y, const T* dy, T* dx,
                      cudaStream_t stream) {
  if (rows == 0 || n == 0) return;
  launch(n < kLongRow ? backward_kernel<RowOfWarp, T> : backward_kernel<RowOfBlock, T>,
         row_blocks(rows, n), kThreads, 0, stream, log, rows, n, y, dy, dx);
}

#define TUCO_INSTANTIATE(T)                                                             \
  template void softmax_forward<T>(bool, int64_t, int64_t, const T*, T*, cudaStream_t); \
  template void softmax_backward<T>(bool, int64_t, int64_t, const T*, const T*, T*, cudaStream_t);
TUCO_INSTANTIATE(float)
TUCO_INSTANTIATE(double)
#undef TUCO_INSTANTIATE

}  // namespace tuco::cuda
