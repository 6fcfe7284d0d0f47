// Where the pixels of an image that was resized to the nearest come from; for every device.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>

#include "tuco/core/host_device.h"

namespace tuco {

/// One dimension of op::ResizeNearest (core/ops/resize.h), from `in` to `out` pixels.
struct NearestAxis {
  int64_t in, out;
  bool align_corners, half_pixel_centers;

  /// The pixel that pixel `i` of the result comes from. Ascends with i.
  TUCO_HOST_DEVICE int64_t source(int64_t i) const {
    // The order and the precision decide where the product falls on a whole number.
    const bool aligned = align_corners && out > 1;
    const float scale =
        static_cast<float>(aligned ? in - 1 : in) / static_cast<float>(aligned ? out - 1 : out);
    const float place = (static_cast<float>(i) + (half_pixel_centers ? 0.5f : 0.0f)) * scale;
    const float source = align_corners ? std::round(place) : std::floor(place);
    return std::clamp<int64_t>(static_cast<int64_t>(source), 0, in - 1);
  }
};

}  // namespace tuco
