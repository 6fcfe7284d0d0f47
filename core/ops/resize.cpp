#include "tuco/core/ops/resize.h"

#include "tuco/core/nearest_source.h"

namespace tuco {

int64_t nearest_source(const op::ResizeNearest& op, int64_t i, int64_t in, int64_t out) {
  return NearestAxis{in, out, op.align_corners, op.half_pixel_centers}.source(i);
}

}  // namespace tuco
