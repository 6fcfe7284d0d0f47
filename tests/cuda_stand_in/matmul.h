// The one product of matrices behind the stand-ins of cuBLAS and cuDNN: whole networks train on it
// in tests, so it is blocked and vectorised, and no more.
#pragma once
#include <cstdint>

namespace standin {

/// A matrix whose element (i, j) stands at at[i * row + j * column].
template <class T>
struct Matrix {
  const T* at;
  std::int64_t row, column;
};

/// c = a b, or c += a b with `add`: a is m x k, b is k x n, and c is m x n with element (i, j) at
/// c[i + j * ldc]. Sums are of the type T (float or double) and take k in order, in blocks.
template <class T>
void multiply(std::int64_t m, std::int64_t n, std::int64_t k, Matrix<T> a, Matrix<T> b, T* c,
              std::int64_t ldc, bool add);

}  // namespace standin
