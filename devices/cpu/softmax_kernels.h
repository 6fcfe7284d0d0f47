// Softmax and its logarithm over the last dimension of (rows, n), and their gradients from the
// outputs. The largest value is subtracted first, so that nothing overflows; a NaN makes its whole
// row NaN, as does a row of minus infinities.
#pragma once
#include <cstdint>

namespace tuco::cpu {

/// y = exp(x) / sum exp(x), row by row; y may be x.
template <class T>
void softmax_forward(int64_t rows, int64_t n, const T* x, T* y);
/// dx = y * (dy - sum(dy * y)); dx may be dy.
template <class T>
void softmax_backward(int64_t rows, int64_t n, const T* y, const T* dy, T* dx);

/// y = x - log sum exp(x), row by row; y may be x.
template <class T>
void log_softmax_forward(int64_t rows, int64_t n, const T* x, T* y);
/// dx = dy - exp(y) * sum(dy); dx may be dy.
template <class T>
void log_softmax_backward(int64_t rows, int64_t n, const T* y, const T* dy, T* dx);

}  // namespace tuco::cpu
