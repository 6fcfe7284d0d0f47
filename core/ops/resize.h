// Resizing of images (n, h, w, c) by the nearest pixel.
#pragma once
#include <string_view>

#include "tuco/core/ops/window.h"

namespace tuco::op {

/// Images of `size`. Along a dimension that grows from `in` to `out` pixels, pixel i comes from
/// floor(i * in / out), and the last pixel where that is beyond the image. `half_pixel_centers`
/// takes i + 0.5 instead of i; `align_corners` takes (in - 1) / (out - 1) as the factor and rounds
/// to the nearest. Both are computed in float32, in TFLite's order.
struct ResizeNearest {
  static constexpr std::string_view name = "resize_nearest";
  Hw size;
  bool align_corners = false, half_pixel_centers = false;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("size", self.size);
    visit("align_corners", self.align_corners);
    visit("half_pixel_centers", self.half_pixel_centers);
  }
};

/// Input: the gradient of images resized by `resize`. Output: that of the images, of size `from`.
struct ResizeNearestGrad {
  static constexpr std::string_view name = "resize_nearest_grad";
  ResizeNearest resize;
  Hw from;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    ResizeNearest::fields(self.resize, visit);
    visit("from", self.from);
  }
};

}  // namespace tuco::op

namespace tuco {

/// The pixel that pixel `i` of `out` along one dimension comes from, of `in`.
int64_t nearest_source(const op::ResizeNearest& op, int64_t i, int64_t in, int64_t out);

}  // namespace tuco
