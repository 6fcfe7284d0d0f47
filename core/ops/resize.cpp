#include "tuco/core/ops/resize.h"

#include <algorithm>
#include <cmath>

namespace tuco {

int64_t nearest_source(const op::ResizeNearest& op, int64_t i, int64_t in, int64_t out) {
  // The order and the precision decide where the product falls on a whole number.
  const bool aligned = op.align_corners && out > 1;
  const float scale =
      static_cast<float>(aligned ? in - 1 : in) / static_cast<float>(aligned ? out - 1 : out);
  const float place = (static_cast<float>(i) + (op.half_pixel_centers ? 0.5f : 0.0f)) * scale;
  const float source = op.align_corners ? std::round(place) : std::floor(place);
  return std::clamp<int64_t>(static_cast<int64_t>(source), 0, in - 1);
}

}  // namespace tuco
