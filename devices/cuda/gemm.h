// Products of row-major matrices, by cuBLAS.
#pragma once
#include "tuco/devices/cuda/kernels.h"

namespace tuco::cuda {

/// A row-major matrix, or as many as `batch` says, `stride` elements apart (0: the same for all).
template <class T>
struct Matrix {
  T* data;
  /// Elements from a row to the next.
  int64_t leading;
  int64_t stride = 0;
};

/// c (m, n) = alpha * op(a) * op(b) + beta * c for each of `batch` products, where op(a) is (m, k)
/// and a is stored (k, m) if `trans_a`; op(b) is (k, n) likewise. T is float or double. Where beta
/// is 0, c's bytes are not read. Any of the sizes may be 0.
template <class T>
void gemm(Call& call, bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t k, double alpha,
          Matrix<const T> a, Matrix<const T> b, double beta, Matrix<T> c, int64_t batch = 1);

}  // namespace tuco::cuda
