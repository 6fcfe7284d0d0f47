// Kernels that write tensors from nothing or change them in place: fills, random numbers, and steps
// over many tensors in one launch.
#pragma once
#include <cuda_runtime_api.h>

#include <cstdint>

#include "tuco/devices/cuda/strided.h"
#include "tuco/devices/optimizer_steps.h"

namespace tuco::cuda {

template <class T>
void fill(T* y, T value, const Strided<1>& walk, cudaStream_t stream);
/// y[i] = start + step * i, as op::Fill says.
template <class T>
void fill_steps(T* y, double start, double step, int64_t n, cudaStream_t stream);

/// A place in a Philox stream: element i takes number 4 * block + i.
struct PhiloxPlace {
  uint64_t seed, stream, block;
};
/// Uniform [0, 1) or standard normal numbers.
template <class T>
void random(const PhiloxPlace& place, bool normal, T* y, int64_t n, cudaStream_t stream);
template <class T>
void dropout(const PhiloxPlace& place, float p, T scale, const T* x, T* y, int64_t n,
             cudaStream_t stream);

template <class T>
void accumulate(T alpha, T keep, const T* x, T* y, const Strided<2>& walk, cudaStream_t stream);

/// Up to kMost tensors with the same N roles (gradient, weight, ...) each, worked on in one launch.
template <class T, int N>
struct TensorList {
  static constexpr int kMost = 40;
  int count = 0;
  T* at[N][kMost] = {};
  /// Where each tensor begins among the elements of all, and where the last one ends.
  int64_t begin[kMost + 1] = {0};
};

/// y = keep * y + alpha * x; roles x, y.
template <class T>
void accumulate(T alpha, T keep, const TensorList<T, 2>& list, cudaStream_t stream);
/// Roles gradient, weight, velocity.
template <class T>
void sgd_step(const SgdFormula<T>& formula, const TensorList<T, 3>& list, cudaStream_t stream);
/// Roles gradient, weight, mean, square.
template <class T>
void adamw_step(const AdamWFormula<T>& formula, const TensorList<T, 4>& list, cudaStream_t stream);

}  // namespace tuco::cuda
