#include "tuco/data/transforms.h"

#include <numbers>

#include "tuco/core/error.h"

namespace tuco::data {
namespace {

float length(Point p) { return std::hypot(p.x, p.y); }

/// out = 128 + factor * (in - 128).
ColorMap about_mid_grey(float factor) {
  ColorMap map;
  for (size_t i = 0; i < 3; ++i) {
    map.rows[i][i] = factor;
    map.rows[i][3] = 128 * (1 - factor);
  }
  return map;
}

ColorMap multiplied(float factor) {
  ColorMap map;
  for (size_t i = 0; i < 3; ++i) map.rows[i][i] = factor;
  return map;
}

ColorMap saturated(float factor) {
  constexpr std::array<float, 3> kLuma{0.299f, 0.587f, 0.114f};
  ColorMap map;
  for (size_t i = 0; i < 3; ++i)
    for (size_t j = 0; j < 3; ++j) map.rows[i][j] = (1 - factor) * kLuma[j] + (i == j ? factor : 0);
  return map;
}

/// In the channels and the order that the network wants.
Image in_channels_of(Image image, const Preprocessing& preprocessing) {
  image = with_channels(std::move(image), preprocessing.channels);
  if (preprocessing.channels == 3 && preprocessing.channel_order == "BGR")
    for (size_t i = 0; i < image.pixels.size(); i += 3)
      std::swap(image.pixels[i], image.pixels[i + 2]);
  return image;
}

}  // namespace

void Resize::operator()(View& view) const {
  require<ShapeError>(height > 0 && width > 0, "resize: to {} x {} pixels", width, height);
  if (rule == ResizeRule::cover) {
    const float aspect = length(view.right) / length(view.down);
    const float wanted = static_cast<float>(width) / static_cast<float>(height);
    if (aspect > wanted)
      view.right = view.right * (wanted / aspect);
    else
      view.down = view.down * (aspect / wanted);
  }
  view.height = height;
  view.width = width;
}

void RandomResizedCrop::operator()(View& view, Rng& rng) const {
  const float fraction = rng.uniform(side.low, side.high);
  const float stretch = std::exp(0.5f * rng.uniform(std::log(ratio.low), std::log(ratio.high)));
  const float wide = std::min(1.0f, fraction * stretch);
  const float high = std::min(1.0f, fraction / stretch);
  const float x = rng.uniform(wide - 1, 1 - wide), y = rng.uniform(high - 1, 1 - high);
  view.center = view.center + view.right * x + view.down * y;
  view.right = view.right * wide;
  view.down = view.down * high;
}

void RandomRotation::operator()(View& view, Rng& rng) const {
  const float angle = rng.uniform(-degrees, degrees) * std::numbers::pi_v<float> / 180;
  const float c = std::cos(angle), s = std::sin(angle);
  const auto turned = [&](Point p) { return Point{c * p.x - s * p.y, s * p.x + c * p.y}; };
  view.right = turned(view.right);
  view.down = turned(view.down);
}

void RandomHorizontalFlip::operator()(View& view, Rng& rng) const {
  if (rng.chance(probability)) view.right = view.right * -1;
}

void ColorJitter::operator()(View& view, Rng& rng) const {
  const auto factor = [&](float x) { return rng.uniform(1 - x, 1 + x); };
  view.color = view.color.then(multiplied(factor(brightness)));
  view.color = view.color.then(about_mid_grey(factor(contrast)));
  view.color = view.color.then(saturated(factor(saturation)));
}

void Normalize::operator()(const Image& image, std::span<float> out) const {
  require<ShapeError>(out.size() == image.pixels.size(), "normalize: {} values for {} pixels",
                      out.size(), image.pixels.size());
  // A table keeps the division, and with it the same values as on every other path.
  std::array<float, 256> table;
  for (size_t i = 0; i < 256; ++i) table[i] = (static_cast<float>(i) - mean) / deviation;
  for (size_t i = 0; i < out.size(); ++i) out[i] = table[image.pixels[i]];
}

Transforms standard() {
  return {RandomResizedCrop{.side = {0.5f, 1}}, RandomRotation{11}, RandomHorizontalFlip{},
          ColorJitter{.brightness = 0.3f, .contrast = 0.3f, .saturation = 0.3f}};
}

Image prepare(std::shared_ptr<const Image> image, const Preprocessing& preprocessing,
              const Transforms& augment, Rng rng) {
  View view(std::move(image));
  Resize{preprocessing.height, preprocessing.width, preprocessing.resize}(view);
  for (const Transform& transform : augment) transform(view, rng);
  return in_channels_of(view.render(), preprocessing);
}

Image prepare(const Image& image, const Preprocessing& preprocessing) {
  // The view lives no longer than this call, so it may look at an image that it does not own.
  return prepare(std::shared_ptr<const Image>(std::shared_ptr<void>(), &image), preprocessing, {},
                 Rng());
}

int decode_side(const Preprocessing& preprocessing) {
  return 2 * std::max(preprocessing.height, preprocessing.width);
}

}  // namespace tuco::data
