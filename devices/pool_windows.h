// The index arithmetic of pooling, shared by all kernels of it. Nothing here that nvcc cannot read.
#pragma once
#include <algorithm>
#include <cstdint>

#include "tuco/core/host_device.h"

namespace tuco {

/// A half-open range, empty when end <= begin.
template <class Int>
struct IndexRange {
  Int begin, end;
  TUCO_HOST_DEVICE Int size() const { return std::max(Int{0}, end - begin); }
};

/// One axis of a window: input i of window o at cell k is o * stride + k * dilation - before. Int
/// is int64_t, or int32_t where a device is slow with 64 bits and the sizes allow it.
template <class Int>
struct WindowAxis {
  Int in, out, kernel, stride, dilation, before, after;

  /// The cells of window o that lie inside the image.
  TUCO_HOST_DEVICE IndexRange<Int> cells(Int o) const {
    const Int start = o * stride - before;
    return {start < 0 ? divide_up(-start, dilation) : Int{0},
            std::min(kernel, start < in ? (in - 1 - start) / dilation + 1 : Int{0})};
  }
  TUCO_HOST_DEVICE Int input(Int o, Int k) const { return o * stride + k * dilation - before; }
  /// The number of cells of window o that lie inside the padded image.
  TUCO_HOST_DEVICE Int padded_cells(Int o) const {
    return std::min(kernel, divide_up(in + after + before - o * stride, dilation));
  }
  /// The windows that may contain input i.
  TUCO_HOST_DEVICE IndexRange<Int> windows(Int i) const {
    const Int first = i + before - (kernel - 1) * dilation;
    return {first > 0 ? divide_up(first, stride) : Int{0},
            std::min(out, (i + before) / stride + 1)};
  }
  /// Whether window o, one of those, has a cell at input i.
  TUCO_HOST_DEVICE bool contains(Int o, Int i) const {
    return dilation == 1 || (i + before - o * stride) % dilation == 0;
  }

 private:
  TUCO_HOST_DEVICE static Int divide_up(Int a, Int b) { return (a + b - 1) / b; }
};

using PoolAxis = WindowAxis<int64_t>;

/// The axes of a WindowGeometry, whose header nvcc cannot read.
template <class Geometry>
PoolAxis vertical(const Geometry& g) {
  return {g.in_h, g.out_h, g.kernel.h, g.stride.h, g.dilation.h, g.padding.top, g.padding.bottom};
}
template <class Geometry>
PoolAxis horizontal(const Geometry& g) {
  return {g.in_w, g.out_w, g.kernel.w, g.stride.w, g.dilation.w, g.padding.left, g.padding.right};
}

/// What the mean of window (i, j) divides by.
template <class Int>
TUCO_HOST_DEVICE Int pool_divisor(const WindowAxis<Int>& v, const WindowAxis<Int>& h, Int i, Int j,
                                  bool count_include_pad) {
  if (count_include_pad) return v.padded_cells(i) * h.padded_cells(j);
  return v.cells(i).size() * h.cells(j).size();
}

}  // namespace tuco
