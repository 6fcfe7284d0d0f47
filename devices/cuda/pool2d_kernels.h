// The kernels of pooling (devices/cpu/pool_kernels.h has what they compute).
#pragma once
#include <cuda_runtime_api.h>

#include "tuco/core/ops/window.h"
#include "tuco/devices/pool_windows.h"

namespace tuco::cuda {

/// Images (batch, v.in, h.in, channels) under windows.
struct PoolSizes {
  int64_t batch, channels;
  PoolAxis v, h;

  int64_t inputs() const { return batch * v.in * h.in * channels; }
  int64_t outputs() const { return batch * v.out * h.out * channels; }
};
/// The sizes of a geometry.
inline PoolSizes pool_sizes(const WindowGeometry& g) {
  return {g.batch, g.in_c, vertical(g), horizontal(g)};
}

/// `winner` may be null.
template <class T>
void max_pool_forward(const PoolSizes& sizes, const T* x, T* y, int32_t* winner,
                      cudaStream_t stream);
template <class T>
void max_pool_backward(const PoolSizes& sizes, const T* dy, const int32_t* winner, T* dx,
                       cudaStream_t stream);
template <class T>
void average_pool_forward(const PoolSizes& sizes, bool count_include_pad, const T* x, T* y,
                          cudaStream_t stream);
template <class T>
void average_pool_backward(const PoolSizes& sizes, bool count_include_pad, const T* dy, T* dx,
                           cudaStream_t stream);

}  // namespace tuco::cuda
