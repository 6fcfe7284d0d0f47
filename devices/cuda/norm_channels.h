// What the kernels of batch normalisation know of their channels. For .cu files.
#pragma once
#include <cmath>

#include "tuco/devices/cuda/channel_rows.h"

namespace tuco::cuda {

/// Mean and sum of squared differences to it.
struct Moments {
  double count, mean, squares;

  __device__ static Moments neutral() { return {0, 0, 0}; }
  /// Of both (Chan, Golub and LeVeque, 1979).
  __device__ static Moments joined(const Moments& a, const Moments& b) {
    if (b.count == 0) return a;
    const double count = a.count + b.count, share = b.count / count, d = b.mean - a.mean;
    return {count, a.mean + d * share, a.squares + b.squares + d * d * a.count * share};
  }
  __device__ Moments of_lane(int distance) const {
    return {__shfl_xor_sync(kAllLanes, count, distance), __shfl_xor_sync(kAllLanes, mean, distance),
            __shfl_xor_sync(kAllLanes, squares, distance)};
  }
};

/// Sums of the gradient times (x - mean), and of the gradient.
struct GradientSums {
  double scaled, plain;

  __device__ static GradientSums neutral() { return {0, 0}; }
  __device__ static GradientSums joined(const GradientSums& a, const GradientSums& b) {
    return {a.scaled + b.scaled, a.plain + b.plain};
  }
  __device__ GradientSums of_lane(int distance) const {
    return {__shfl_xor_sync(kAllLanes, scaled, distance),
            __shfl_xor_sync(kAllLanes, plain, distance)};
  }
};

/// What a Source of gradients sums up for a pack of channels: add() is left to it.
template <class T, int kPack>
struct GradientPack {
  T scaled[kPack], plain[kPack];

  __device__ void start(int64_t) {
    for (int k = 0; k < kPack; ++k) scaled[k] = plain[k] = 0;
  }
  __device__ GradientSums partial(int k, int) const {
    return {double(scaled[k]), double(plain[k])};
  }
};

template <class T>
__device__ double inverse_deviation(const Normalization<T>& norm, int64_t c) {
  return 1 / ::sqrt(static_cast<double>(norm.variance[c]) + norm.eps);
}

/// The end of a reduction to GradientSums: dgamma and dbeta.
template <class T>
struct FinishGradient {
  Normalization<T> norm;
  T *dgamma, *dbeta;

  __device__ void operator()(int64_t c, const GradientSums& sums) const {
    dgamma[c] = static_cast<T>(sums.scaled * inverse_deviation(norm, c));
    dbeta[c] = static_cast<T>(sums.plain);
  }
};

/// y = (x - mean) * scale + beta for a pack of channels.
template <class T, int kPack>
struct NormPack {
  T mean[kPack], scale[kPack], beta[kPack];

  __device__ T operator()(int k, T x) const { return (x - mean[k]) * scale[k] + beta[k]; }
};

/// The same, and on the way back dx = g * scale + x's share in mean and variance, which is
/// offset + (x - mean) * slope, where g is the gradient of y.
template <class T, int kPack>
struct NormGradientPack : NormPack<T, kPack> {
  T offset[kPack], slope[kPack];

  __device__ T gradient(int k, T x, T g) const {
    return g * this->scale[k] + (offset[k] + (x - this->mean[k]) * slope[k]);
  }
};

/// A channel's numbers, in shared memory; those of the gradient where there are dgamma and dbeta.
template <class T>
struct ChannelNumbers {
  T mean, scale, beta, offset, slope;

  __device__ void set(const Normalization<T>& norm, int64_t c, int64_t rows, const T* dgamma,
                      const T* dbeta) {
    const double inverse = inverse_deviation(norm, c), s = inverse * norm.gamma[c];
    mean = norm.mean[c];
    scale = static_cast<T>(s);
    beta = norm.beta[c];
    if (!dgamma) return;
    offset = static_cast<T>(-s * dbeta[c] / static_cast<double>(rows));
    slope = static_cast<T>(-s * inverse * dgamma[c] / static_cast<double>(rows));
  }
};

/// The numbers of a thread's channels, of which roots and quotients are computed once in a block.
/// All threads of the block must come here. dgamma and dbeta may be null for a NormPack.
template <class PackOfNorm, int kPack, class T>
__device__ PackOfNorm norm_of(const RowGrid& grid, const Normalization<T>& norm,
                              const T* dgamma = nullptr, const T* dbeta = nullptr) {
  auto& numbers = shared<ChannelNumbers<T>[32 * kPack]>();
  const int64_t first = int64_t{blockIdx.x} * grid.across * kPack;
  if (threadIdx.x < grid.across * kPack && first + threadIdx.x < grid.packs * kPack)
    numbers[threadIdx.x].set(norm, first + threadIdx.x, grid.rows, dgamma, dbeta);
  __syncthreads();
  PackOfNorm result;
  for (int k = 0; k < kPack; ++k) {
    const ChannelNumbers<T>& from = numbers[threadIdx.x % grid.across * kPack + k];
    result.mean[k] = from.mean;
    result.scale[k] = from.scale;
    result.beta[k] = from.beta;
    if constexpr (requires { result.offset; }) {
      result.offset[k] = from.offset;
      result.slope[k] = from.slope;
    }
  }
  return result;
}

}  // namespace tuco::cuda
