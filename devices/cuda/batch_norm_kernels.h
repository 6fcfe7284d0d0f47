// The kernels of batch normalisation (devices/cpu/batch_norm_kernels.h has what they compute):
// reductions over the rows of (rows, channels) in two stages, by as many blocks as fill a device
// and then by a small kernel that joins what these left, and passes that read and write each number
// once.
#pragma once
#include <cuda_runtime_api.h>

#include <cstdint>

namespace tuco::cuda {

/// (rows, channels), channels innermost.
struct NormSizes {
  int64_t rows, channels;
};

/// Windows of pool x pool cells side by side in images (batch, in_h, in_w, channels); a rest of
/// rows or columns that fill no window may remain.
struct NormPool {
  int64_t batch, in_h, in_w, out_h, out_w, channels, pool;

  NormSizes inputs() const { return {batch * in_h * in_w, channels}; }
  NormSizes outputs() const { return {batch * out_h * out_w, channels}; }
};

/// y = (x - mean) / sqrt(variance + eps) * gamma + beta, channel by channel.
template <class T>
struct Normalization {
  const T *mean, *variance, *gamma, *beta;
  double eps;
};

/// Doubles of scratch memory that a reduction over such rows wants.
int64_t norm_scratch(const NormSizes& sizes);

/// Mean and biased variance of each channel; rows must not be 0.
template <class T>
void channel_statistics(const NormSizes& sizes, const T* x, T* mean, T* variance, double* scratch,
                        cudaStream_t stream);

/// y = normalised x + skip, cut at 0 if `relu`. skip may be null; y may be x or skip.
template <class T>
void norm_forward(const NormSizes& sizes, const Normalization<T>& norm, bool relu, const T* x,
                  const T* skip, T* y, cudaStream_t stream);

/// What flows back into a normalisation that ReLU may follow: behind a sum ReLU's cuts are read off
/// its output y, else they are computed again from x, and y is null. dskip, which may be dy's
/// memory, is the gradient of what was added, or null.
template <class T>
struct NormGradient {
  const T* dy;
  bool relu;
  const T* y;
  T* dskip;
};

/// dgamma and dbeta (channels), and dx, which may be x, and dy where there is no dskip. The
/// statistics are x's own.
template <class T>
void norm_backward(const NormSizes& sizes, const Normalization<T>& norm,
                   const NormGradient<T>& gradient, const T* x, T* dx, T* dgamma, T* dbeta,
                   double* scratch, cudaStream_t stream);

/// y (batch, out_h, out_w, channels) = the largest of relu(normalised x) in each window, and which
/// cell has it, row by row, the first of equals; kCutByRelu where relu cut it.
template <class T>
void norm_relu_pool_forward(const NormPool& sizes, const Normalization<T>& norm, const T* x, T* y,
                            uint8_t* winner, cudaStream_t stream);

/// The gradients from dy (of y's shape) and the winners; dx may be x. The scratch memory is that of
/// a reduction over the outputs.
template <class T>
void norm_relu_pool_backward(const NormPool& sizes, const Normalization<T>& norm, const T* dy,
                             const uint8_t* winner, const T* x, T* dx, T* dgamma, T* dbeta,
                             double* scratch, cudaStream_t stream);

}  // namespace tuco::cuda
