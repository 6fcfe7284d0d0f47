// Batch normalisation in float64: the formulas, loop by loop.
#include <cmath>

#include "tuco/devices/cpu/batch_norm_kernels.h"

namespace tuco::cpu {
namespace {

using Norm = Normalization<double>;

double gamma_of(const Norm& norm, int64_t c) { return norm.gamma ? norm.gamma[c] : 1; }
double beta_of(const Norm& norm, int64_t c) { return norm.beta ? norm.beta[c] : 0; }
double normalized(const Norm& norm, int64_t c, double x) {
  return (x - norm.mean[c]) * norm.inv_std[c];
}
double output(const Norm& norm, int64_t c, double x) {
  return normalized(norm, c, x) * gamma_of(norm, c) + beta_of(norm, c);
}

// Input index of channel 0 of a cell of a window.
int64_t input_of(const WindowGeometry& g, int64_t window, int64_t cell) {
  const int64_t j = window % g.out_w, i = window / g.out_w % g.out_h;
  const int64_t n = window / g.out_w / g.out_h;
  return ((n * g.in_h + i * g.kernel.h + cell / g.kernel.w) * g.in_w + j * g.kernel.w +
          cell % g.kernel.w) *
         g.in_c;
}

}  // namespace

template <>
void channel_sums<double>(int64_t rows, int64_t channels, const double* x, double* sums) {
  for (int64_t c = 0; c < channels; ++c) sums[c] = 0;
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < channels; ++c) sums[c] += x[r * channels + c];
}

template <>
void channel_statistics<double>(int64_t rows, int64_t channels, const double* x, double* mean,
                                double* variance) {
  channel_sums(rows, channels, x, mean);
  for (int64_t c = 0; c < channels; ++c) {
    mean[c] /= double(rows);
    variance[c] = 0;
  }
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < channels; ++c) {
      const double d = x[r * channels + c] - mean[c];
      variance[c] += d * d / double(rows);
    }
}

template <>
void batch_norm_forward<double>(int64_t rows, int64_t channels, const Norm& norm, const double* x,
                                double* y, const Tail<double>& tail) {
  for (int64_t i = 0; i < rows * channels; ++i) {
    const double value = output(norm, i % channels, x[i]) + (tail.skip ? tail.skip[i] : 0);
    y[i] = tail.relu && value <= 0 ? 0 : value;
  }
}

template <>
void batch_norm_backward<double>(int64_t rows, int64_t channels, const Norm& norm, const double* x,
                                 const double* dy, double* dx, double* dgamma, double* dbeta,
                                 const TailGradient<double>& tail) {
  std::vector<double> g(dy, dy + rows * channels);
  for (int64_t i = 0; i < rows * channels; ++i) {
    if (tail.relu && (tail.y ? tail.y[i] : output(norm, i % channels, x[i])) <= 0) g[i] = 0;
    if (tail.dskip) tail.dskip[i] = g[i];
  }
  for (int64_t c = 0; c < channels; ++c) {
    dgamma[c] = dbeta[c] = 0;
    for (int64_t i = c; i < rows * channels; i += channels) {
      dgamma[c] += g[i] * normalized(norm, c, x[i]);
      dbeta[c] += g[i];
    }
    if (!dx) continue;
    const double share = norm.batch_statistics ? 1 / double(rows) : 0;
    for (int64_t i = c; i < rows * channels; i += channels)
      dx[i] = gamma_of(norm, c) * norm.inv_std[c] *
              (g[i] - share * (dbeta[c] + normalized(norm, c, x[i]) * dgamma[c]));
  }
}

template <>
void bn_relu_pool_forward<double>(const WindowGeometry& g, const Norm& norm, const double* x,
                                  double* y, uint8_t* winner) {
  for (int64_t window = 0; window < g.batch * g.out_h * g.out_w; ++window)
    for (int64_t c = 0; c < g.in_c; ++c) {
      double best = output(norm, c, x[input_of(g, window, 0) + c]);
      int64_t which = 0;
      for (int64_t cell = 1; cell < g.kernel.h * g.kernel.w; ++cell) {
        const double value = output(norm, c, x[input_of(g, window, cell) + c]);
        if (value > best || std::isnan(value)) best = value, which = cell;
      }
      const bool cut = best <= 0;
      y[window * g.in_c + c] = cut ? 0 : best;
      if (winner) winner[window * g.in_c + c] = cut ? kCutByRelu : static_cast<uint8_t>(which);
    }
}

template <>
void bn_relu_pool_backward<double>(const WindowGeometry& g, const Norm& norm, const double* x,
                                   const double* /*y*/, const uint8_t* winner, const double* dy,
                                   double* dx, double* dgamma, double* dbeta) {
  std::vector<double> full(g.batch * g.in_h * g.in_w * g.in_c);
  for (int64_t i = 0; i < g.batch * g.out_h * g.out_w * g.in_c; ++i)
    if (winner[i] != kCutByRelu) full[input_of(g, i / g.in_c, winner[i]) + i % g.in_c] = dy[i];
  batch_norm_backward(g.batch * g.in_h * g.in_w, g.in_c, norm, x, full.data(), dx, dgamma, dbeta);
}

}  // namespace tuco::cpu
