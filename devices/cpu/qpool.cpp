// Pooling and means of int8.
#include "tuco/core/parallel.h"
#include "tuco/deploy/runtime/requantize.h"
#include "tuco/devices/cpu/kernels.h"
#include "tuco/devices/cpu/pool_windows.h"

namespace tuco::cpu {
namespace {

/// Calls body(output index, first input index, rows, columns, cells) for each window of a channel.
template <class Body>
void for_each_window(const WindowGeometry& g, Body&& body) {
  const PoolAxis v = vertical(g), h = horizontal(g);
  parallel_for(0, g.batch * g.out_h, 1, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row)
      for (int64_t j = 0; j < g.out_w; ++j)
        for (int64_t c = 0; c < g.in_c; ++c) {
          const int64_t n = row / g.out_h, i = row % g.out_h;
          const auto visit = [&](auto&& f) {
            const auto rows = v.cells(i), columns = h.cells(j);
            for (int64_t a = rows.begin; a < rows.end; ++a)
              for (int64_t b = columns.begin; b < columns.end; ++b)
                f(((n * g.in_h + v.input(i, a)) * g.in_w + h.input(j, b)) * g.in_c + c);
          };
          body((row * g.out_w + j) * g.in_c + c, i, j, visit);
        }
  });
}

}  // namespace

void run(const op::QMaxPool2d& op, Inputs in, Out out, Workspace&) {
  const int8_t* x = ptr<int8_t>(in[0]);
  int8_t* y = ptr<int8_t>(out[0]);
  for_each_window(geometry(op.name, op.window, in[0].shape()),
                  [&](int64_t at, int64_t, int64_t, auto&& visit) {
                    int8_t best = -128;
                    visit([&](int64_t i) { best = std::max(best, x[i]); });
                    y[at] = best;
                  });
}

void run(const op::QAvgPool2d& op, Inputs in, Out out, Workspace&) {
  const int8_t* x = ptr<int8_t>(in[0]);
  int8_t* y = ptr<int8_t>(out[0]);
  const WindowGeometry g = geometry(op.name, op.window, in[0].shape());
  const auto padded = [](int64_t at, int64_t kernel, int64_t stride, int64_t size, int64_t before,
                         int64_t after) {
    return std::min(kernel, size + after - (at * stride - before));
  };
  for_each_window(g, [&](int64_t at, int64_t i, int64_t j, auto&& visit) {
    int64_t sum = 0, cells = 0;
    visit([&](int64_t k) {
      sum += x[k];
      ++cells;
    });
    if (op.window.count_include_pad) {
      const int64_t all =
          padded(i, g.kernel.h, g.stride.h, g.in_h, g.padding.top, g.padding.bottom) *
          padded(j, g.kernel.w, g.stride.w, g.in_w, g.padding.left, g.padding.right);
      sum += (all - cells) * op.zero_point;
      cells = all;
    }
    y[at] = static_cast<int8_t>((sum > 0 ? sum + cells / 2 : sum - cells / 2) / cells);
  });
}

void run(const op::QMean& op, Inputs in, Out out, Workspace&) {
  int64_t outer = 1, reduced = 1, inner = 1;
  const Shape& shape = in[0].shape();
  for (int i = 0; i < shape.rank(); ++i)
    (i < op.dims[0] ? outer : i <= op.dims[op.dims.rank() - 1] ? reduced : inner) *= shape[i];
  const int8_t* x = ptr<int8_t>(in[0]);
  int8_t* y = ptr<int8_t>(out[0]);
  for (int64_t o = 0; o < outer; ++o)
    for (int64_t i = 0; i < inner; ++i) {
      int32_t sum = 0;
      for (int64_t k = 0; k < reduced; ++k)
        sum += x[(o * reduced + k) * inner + i] - op.in_zero_point;
      const int32_t mean = tuco_scaled(sum, op.multiplier.value, op.multiplier.shift,
                                       static_cast<int32_t>(op.out.rounding));
      y[o * inner + i] =
          static_cast<int8_t>(tuco_clamped(mean + op.out.zero_point, op.out.low, op.out.high));
    }
}

}  // namespace tuco::cpu
