#include "tuco/layers/upsample.h"

#include "tuco/autograd/functions.h"
#include "tuco/core/error.h"

namespace tuco {

UpsampleBody::UpsampleBody(const UpsampleOptions& o) : options(o) {
  require<ShapeError>(o.factor.h > 0 && o.factor.w > 0, "Upsample: by a factor of ({}, {})",
                      o.factor.h, o.factor.w);
}

Tensor UpsampleBody::forward(const Tensor& images) {
  require<ShapeError>(images.rank() == 4, "Upsample: input {}, expected images (n, h, w, c)",
                      images.shape());
  return resize_nearest(
      images, {.size = {images.dim(1) * options.factor.h, images.dim(2) * options.factor.w},
               .align_corners = options.align_corners,
               .half_pixel_centers = options.half_pixel_centers});
}

std::string UpsampleBody::describe() const {
  const Hw& f = options.factor;
  std::string text = f.h == f.w ? fmt::format("{}", f.h) : fmt::format("({}, {})", f.h, f.w);
  if (options.align_corners) text += ", align corners";
  if (options.half_pixel_centers) text += ", half pixel centers";
  return text;
}

}  // namespace tuco
