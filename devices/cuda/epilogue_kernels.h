// What follows a product in one pass over its result, where the library has not done it.
#pragma once
#include <cuda_runtime_api.h>

#include <cmath>
#include <cstdint>

namespace tuco::cuda {

/// y = clamp(y + bias + addend, low, high); NaN stays NaN.
template <class T>
struct Epilogue {
  /// A number for each column; null adds nothing.
  const T* bias = nullptr;
  /// Of y's shape; null adds nothing.
  const T* addend = nullptr;
  double low = -INFINITY, high = INFINITY;

  bool changes_anything() const {
    return bias || addend || !std::isinf(low) || low > 0 || !std::isinf(high) || high < 0;
  }
};

/// Applies it to y (rows, columns), dense; does nothing where that changes nothing.
template <class T>
void finish(const Epilogue<T>& epilogue, int64_t rows, int64_t columns, T* y, cudaStream_t stream);

}  // namespace tuco::cuda
