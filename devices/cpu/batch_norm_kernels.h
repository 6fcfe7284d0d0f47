// Batch normalisation of (rows, channels) data, channels innermost, and its fusions on raw pointers
// (Ioffe and Szegedy, "Batch normalization", 2015): with the sum and the ReLU that end a residual
// block, and with ReLU and max pooling. No fused form writes the normalised tensor; backward turns
// x into its gradient, in place if wanted. Sums are over fixed chunks
// of rows, so results do not depend on the number of threads.
#pragma once
#include <cstdint>

#include "tuco/core/ops/window.h"
#include "tuco/devices/cut_by_relu.h"

namespace tuco::cpu {

/// sums (channels) = the sum of x over its rows: the gradient of a bias, among others.
template <class T>
void channel_sums(int64_t rows, int64_t channels, const T* x, T* sums);

/// Mean and biased variance of each channel of x, in one pass over memory that is sound whatever
/// the mean: chunks of rows about offsets of their own, joined in double (Chan et al., 1979).
/// rows must not be 0.
template <class T>
void channel_statistics(int64_t rows, int64_t channels, const T* x, T* mean, T* variance);

/// One normalisation, channel by channel: y = (x - mean) * inv_std * gamma + beta. gamma and beta
/// may be null, for 1 and 0.
template <class T>
struct Normalization {
  const T *mean, *inv_std, *gamma, *beta;
  /// Whether mean and inv_std were computed from x, as in training, so that gradients flow through
  /// them; else they are constants.
  bool batch_statistics = true;
};

/// What follows a normalisation in the same pass: y = relu(normalised + skip).
template <class T>
struct Tail {
  bool relu = false;
  /// Of y's shape; null adds nothing.
  const T* skip = nullptr;
};

/// y from x; y may be x or the tail's skip.
template <class T>
void batch_norm_forward(int64_t rows, int64_t channels, const Normalization<T>& norm, const T* x,
                        T* y, const Tail<T>& tail = {});

/// The same on the way back. Without a skip, ReLU's cuts are computed again from x.
template <class T>
struct TailGradient {
  bool relu = false;
  /// Where relu followed a sum: the output, and the gradient of what was added, which may be dy.
  const T* y = nullptr;
  T* dskip = nullptr;
};

/// dx, dgamma and dbeta from dy and x. dx may be x, or null if not wanted, or dy where there is no
/// dskip.
template <class T>
void batch_norm_backward(int64_t rows, int64_t channels, const Normalization<T>& norm, const T* x,
                         const T* dy, T* dx, T* dgamma, T* dbeta, const TailGradient<T>& tail = {});

/// Whether a geometry can be fused: windows side by side without padding, of at most 255 cells; a
/// rest of rows or columns that fill no window may remain.
inline bool fits_bn_relu_pool(const WindowGeometry& g) {
  return g.kernel == g.stride && g.dilation == Hw(1) && g.padding == Padding(0) &&
         g.kernel.h * g.kernel.w <= 255 && g.out_h == g.in_h / g.kernel.h &&
         g.out_w == g.in_w / g.kernel.w;
}

/// y (batch, out_h, out_w, channels) = max over each window of relu(normalised x); winner, same
/// shape: its cell (row by row; the first of equals), or kCutByRelu. winner may be null.
template <class T>
void bn_relu_pool_forward(const WindowGeometry& g, const Normalization<T>& norm, const T* x, T* y,
                          uint8_t* winner);

/// The gradients, from dy (of y's shape) and what forward saved. dx may be x, or null if not
/// wanted.
template <class T>
void bn_relu_pool_backward(const WindowGeometry& g, const Normalization<T>& norm, const T* x,
                           const T* y, const uint8_t* winner, const T* dy, T* dx, T* dgamma,
                           T* dbeta);

}  // namespace tuco::cpu
