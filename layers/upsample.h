// Upsampling of NHWC images as a layer.
#pragma once
#include "tuco/core/ops/window.h"
#include "tuco/layers/module.h"

namespace tuco {

struct UpsampleOptions {
  /// How many times as high and wide the images become.
  Hw factor = 2;
  /// Where the pixels come from (core/ops/resize.h).
  bool align_corners = false, half_pixel_centers = false;
};

struct UpsampleBody : Module::Body {
  /// Throws ShapeError unless the factor is positive.
  explicit UpsampleBody(const UpsampleOptions& o);
  Tensor forward(const Tensor& images) override;
  std::string describe() const override;
  const UpsampleOptions options;
};

/// Images enlarged by the nearest pixel: Upsample{2}, or Upsample{{.factor = {2, 3}}}.
class Upsample : public ModuleOf<UpsampleBody> {
 public:
  using ModuleOf::ModuleOf;
  explicit Upsample(Hw factor) : Upsample(UpsampleOptions{.factor = factor}) {}
  explicit Upsample(const UpsampleOptions& options) : ModuleOf(options) {}
};

}  // namespace tuco
