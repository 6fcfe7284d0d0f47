// Softmax in float64: the formulas.
#include <algorithm>
#include <cmath>

#include "tuco/devices/cpu/softmax_kernels.h"

namespace tuco::cpu {
namespace {

double log_sum_exp(int64_t n, const double* x) {
  const double top = *std::max_element(x, x + n);
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += std::exp(x[i] - top);
  return top + std::log(sum);
}

}  // namespace

template <>
void log_softmax_forward<double>(int64_t rows, int64_t n, const double* x, double* y) {
  for (int64_t r = 0; n > 0 && r < rows; ++r) {
    const double log_sum = log_sum_exp(n, x + r * n);
    for (int64_t i = r * n; i < (r + 1) * n; ++i) y[i] = x[i] - log_sum;
  }
}

template <>
void softmax_forward<double>(int64_t rows, int64_t n, const double* x, double* y) {
  log_softmax_forward(rows, n, x, y);
  for (int64_t i = 0; i < rows * n; ++i) y[i] = std::exp(y[i]);
}

template <>
void softmax_backward<double>(int64_t rows, int64_t n, const double* y, const double* dy,
                              double* dx) {
  for (int64_t r = 0; r < rows; ++r) {
    double sum = 0;
    for (int64_t i = r * n; i < (r + 1) * n; ++i) sum += dy[i] * y[i];
    for (int64_t i = r * n; i < (r + 1) * n; ++i) dx[i] = y[i] * (dy[i] - sum);
  }
}

template <>
void log_softmax_backward<double>(int64_t rows, int64_t n, const double* y, const double* dy,
                                  double* dx) {
  for (int64_t r = 0; r < rows; ++r) {
    double sum = 0;
    for (int64_t i = r * n; i < (r + 1) * n; ++i) sum += dy[i];
    for (int64_t i = r * n; i < (r + 1) * n; ++i) dx[i] = dy[i] - std::exp(y[i]) * sum;
  }
}

}  // namespace tuco::cpu
