// The index arithmetic of pooling, shared by the float32 and the float64 kernels.
#pragma once
#include <algorithm>

#include "tuco/core/ops/window.h"

namespace tuco::cpu {

/// A half-open range, empty when end <= begin.
struct Range {
  int64_t begin, end;
};

/// One axis of a window: input i of window o at cell k is o * stride + k * dilation - before.
struct PoolAxis {
  int64_t in, out, kernel, stride, dilation, before, after;

  /// The cells of window o that lie inside the image.
  Range cells(int64_t o) const {
    const int64_t start = o * stride - before;
    return {start < 0 ? divide_up(-start, dilation) : 0,
            std::min(kernel, start < in ? (in - 1 - start) / dilation + 1 : 0)};
  }
  int64_t input(int64_t o, int64_t k) const { return o * stride + k * dilation - before; }
  /// The number of cells of window o that lie inside the padded image.
  int64_t padded_cells(int64_t o) const {
    return std::min(kernel, divide_up(in + after + before - o * stride, dilation));
  }
  /// The windows that may contain input i.
  Range windows(int64_t i) const {
    const int64_t first = i + before - (kernel - 1) * dilation;
    return {first > 0 ? divide_up(first, stride) : 0, std::min(out, (i + before) / stride + 1)};
  }
  /// Whether window o, one of those, has a cell at input i.
  bool contains(int64_t o, int64_t i) const {
    return dilation == 1 || (i + before - o * stride) % dilation == 0;
  }

 private:
  static int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }
};

inline PoolAxis vertical(const WindowGeometry& g) {
  return {g.in_h, g.out_h, g.kernel.h, g.stride.h, g.dilation.h, g.padding.top, g.padding.bottom};
}
inline PoolAxis horizontal(const WindowGeometry& g) {
  return {g.in_w, g.out_w, g.kernel.w, g.stride.w, g.dilation.w, g.padding.left, g.padding.right};
}

/// What the mean of window (i, j) divides by.
inline int64_t pool_divisor(const PoolAxis& v, const PoolAxis& h, int64_t i, int64_t j,
                            bool count_include_pad) {
  if (count_include_pad) return v.padded_cells(i) * h.padded_cells(j);
  const Range a = v.cells(i), b = h.cells(j);
  return std::max<int64_t>(0, a.end - a.begin) * std::max<int64_t>(0, b.end - b.begin);
}

}  // namespace tuco::cpu
