// The kernels of softmax (devices/cpu/softmax_kernels.h has what they compute).
#pragma once
#include <cuda_runtime_api.h>

#include <cstdint>

namespace tuco::cuda {

/// y from x, both (rows, n); y may be x. The logarithm if `log`.
template <class T>
void softmax_forward(bool log, int64_t rows, int64_t n, const T* x, T* y, cudaStream_t stream);
/// dx from y and dy; dx may be dy.
template <class T>
void softmax_backward(bool log, int64_t rows, int64_t n, const T* y, const T* dy, T* dx,
                      cudaStream_t stream);

}  // namespace tuco::cuda
