// Pooling in float64: the definition, loop by loop.
#include <cmath>

#include "tuco/core/parallel.h"
#include "tuco/devices/cpu/pool_kernels.h"
#include "tuco/devices/pool_windows.h"

namespace tuco::cpu {
namespace {

// Calls visit(n, i, j, index of the window's first channel) for every window of the images in turn.
template <class Visit>
void for_each_window(const WindowGeometry& g, Visit&& visit) {
  parallel_for(0, g.batch, 1, [&](int64_t begin, int64_t end) {
    for (int64_t n = begin; n < end; ++n)
      for (int64_t i = 0; i < g.out_h; ++i)
        for (int64_t j = 0; j < g.out_w; ++j)
          visit(n, i, j, ((n * g.out_h + i) * g.out_w + j) * g.in_c);
  });
}

// Calls visit(index of the pixel's first channel, pixel) for the window's cells inside the image.
template <class Visit>
void for_each_cell(const WindowGeometry& g, int64_t n, int64_t i, int64_t j, Visit&& visit) {
  const PoolAxis v = vertical(g), h = horizontal(g);
  for (int64_t a = v.cells(i).begin; a < v.cells(i).end; ++a)
    for (int64_t b = h.cells(j).begin; b < h.cells(j).end; ++b) {
      const int64_t pixel = v.input(i, a) * g.in_w + h.input(j, b);
      visit((n * g.in_h * g.in_w + pixel) * g.in_c, pixel);
    }
}

void clear(const WindowGeometry& g, double* dx) {
  std::fill_n(dx, g.batch * g.in_h * g.in_w * g.in_c, 0.0);
}

}  // namespace

template <>
void max_pool_forward<double>(const WindowGeometry& g, const double* x, double* y,
                              int32_t* winner) {
  for_each_window(g, [&](int64_t n, int64_t i, int64_t j, int64_t out) {
    for (int64_t c = 0; c < g.in_c; ++c) {
      double best = 0;
      int64_t which = -1;
      for_each_cell(g, n, i, j, [&](int64_t in, int64_t pixel) {
        const double value = x[in + c];
        if (which < 0 || value > best || std::isnan(value)) best = value, which = pixel;
      });
      y[out + c] = best;
      if (winner) winner[out + c] = static_cast<int32_t>(which);
    }
  });
}

template <>
void max_pool_backward<double>(const WindowGeometry& g, const double* dy, const int32_t* winner,
                               double* dx) {
  clear(g, dx);
  for_each_window(g, [&](int64_t n, int64_t, int64_t, int64_t out) {
    for (int64_t c = 0; c < g.in_c; ++c)
      dx[(n * g.in_h * g.in_w + winner[out + c]) * g.in_c + c] += dy[out + c];
  });
}

template <>
void average_pool_forward<double>(const WindowGeometry& g, bool count_include_pad, const double* x,
                                  double* y) {
  for_each_window(g, [&](int64_t n, int64_t i, int64_t j, int64_t out) {
    const auto divisor = double(pool_divisor(vertical(g), horizontal(g), i, j, count_include_pad));
    for (int64_t c = 0; c < g.in_c; ++c) {
      double sum = 0;
      for_each_cell(g, n, i, j, [&](int64_t in, int64_t) { sum += x[in + c]; });
      y[out + c] = sum / divisor;
    }
  });
}

template <>
void average_pool_backward<double>(const WindowGeometry& g, bool count_include_pad,
                                   const double* dy, double* dx) {
  clear(g, dx);
  for_each_window(g, [&](int64_t n, int64_t i, int64_t j, int64_t out) {
    const auto divisor = double(pool_divisor(vertical(g), horizontal(g), i, j, count_include_pad));
    for_each_cell(g, n, i, j, [&](int64_t in, int64_t) {
      for (int64_t c = 0; c < g.in_c; ++c) dx[in + c] += dy[out + c] / divisor;
    });
  });
}

}  // namespace tuco::cpu
