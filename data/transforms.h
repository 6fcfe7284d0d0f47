// Transforms: small objects that change how an image is seen (data/view.h), to be put in a list.
// Each is called with the view and the sample's own random stream; a lambda of that form is one,
// too. Those that choose at random are augmentation and run in training only.
#pragma once
#include <functional>
#include <span>
#include <vector>

#include "tuco/core/preprocessing.h"
#include "tuco/core/rng.h"
#include "tuco/data/view.h"

namespace tuco::data {

using Transform = std::function<void(View&, Rng&)>;
using Transforms = std::vector<Transform>;

/// The lowest and highest value of a random choice.
struct Range {
  float low = 0, high = 0;
};

/// Renders in the given size. `cover` cuts the frame to the new aspect, around its middle.
struct Resize {
  int height = 0, width = 0;
  ResizeRule rule = ResizeRule::cover;
  void operator()(View& view) const;
  void operator()(View& view, Rng&) const { (*this)(view); }
};

/// Narrows the frame to a random part of it. `side` is the fraction of each side that stays
/// (torchvision's `scale` is that of the area); `ratio` stretches it, as width to height relative
/// to the frame's own, log-uniformly. What would be larger than the frame is cut to it.
struct RandomResizedCrop {
  Range side{0.6f, 1};
  Range ratio{1, 1};
  void operator()(View& view, Rng& rng) const;
};

/// Turns the frame around its middle by an angle of -degrees to +degrees. Corners that come to lie
/// beyond the image see it continued as in a mirror.
struct RandomRotation {
  float degrees = 11;
  void operator()(View& view, Rng& rng) const;
};

/// Swaps left and right.
struct RandomHorizontalFlip {
  float probability = 0.5f;
  void operator()(View& view, Rng& rng) const;
};

/// Changes colours, each by a factor of 1 - x to 1 + x: `brightness` multiplies pixels, `contrast`
/// their distance to mid-grey (128), `saturation` that to the pixel's own grey.
struct ColorJitter {
  float brightness = 0, contrast = 0, saturation = 0;
  void operator()(View& view, Rng& rng) const;
};

/// Pixels to a network's values: (pixel - mean) / deviation. The last step, in training and later.
struct Normalize {
  float mean = 128, deviation = 64;
  /// `out` has as many values as the image. Throws ShapeError if not.
  void operator()(const Image& image, std::span<float> out) const;
};

/// The augmentation for photographs of things that may stand anywhere and look either way: 0.5 to
/// 1.0 of the side, up to 11 degrees, flips, brightness, contrast and saturation by up to 0.3.
Transforms standard();

/// What the network sees of a decoded image by its Preprocessing: resized and rounded to whole
/// pixels, in its channels and their order. `augment` runs after the resizing rule chose its frame;
/// without it this is what evaluation, prediction and devices use.
Image prepare(std::shared_ptr<const Image> image, const Preprocessing& preprocessing,
              const Transforms& augment, Rng rng);
Image prepare(const Image& image, const Preprocessing& preprocessing);

/// How small a JPEG may be decoded (decode_image's min_side) for this Preprocessing: the sides that
/// it asks for, twice over, so that the filter of the resizing decides the picture.
int decode_side(const Preprocessing& preprocessing);

}  // namespace tuco::data
