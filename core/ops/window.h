// The geometry that convolution and pooling share: pairs (height, width) and four-sided padding.
#pragma once
#include <cstdint>

namespace tuco {

/// A (height, width) pair; one number stands for both.
struct Hw {
  int64_t h, w;
  constexpr Hw(int64_t both = 1) : h(both), w(both) {}  // NOLINT: implicit by design
  constexpr Hw(int64_t height, int64_t width) : h(height), w(width) {}
  friend constexpr bool operator==(const Hw&, const Hw&) = default;
};

/// Cells added around an image; one number stands for all four sides.
struct Padding {
  int64_t top, bottom, left, right;
  constexpr Padding(int64_t all = 0) : Padding(all, all, all, all) {}  // NOLINT: implicit
  constexpr Padding(int64_t t, int64_t b, int64_t l, int64_t r)
      : top(t), bottom(b), left(l), right(r) {}
  friend constexpr bool operator==(const Padding&, const Padding&) = default;
};

/// Everything a kernel needs to know about one sliding-window operation in NHWC. For pooling,
/// out_c equals in_c and groups is 1.
struct WindowGeometry {
  int64_t batch = 0, in_h = 0, in_w = 0, in_c = 0, out_h = 0, out_w = 0, out_c = 0;
  Hw kernel, stride, dilation;
  Padding padding;
  int64_t groups = 1;
};

/// Whether each input channel of a convolution has filters of its own.
inline bool is_depthwise(const WindowGeometry& g) { return g.groups > 1 && g.groups == g.in_c; }

}  // namespace tuco
