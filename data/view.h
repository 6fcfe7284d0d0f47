// View: an image as it is to be seen: through a frame that may be cropped, turned, mirrored and
// scaled, in changed colours. Transforms only edit the view; render() then computes all of it in
// one pass over the pixels, with one filter, so that nothing is resampled twice.
#pragma once
#include <array>
#include <memory>

#include "tuco/data/image.h"

namespace tuco::data {

/// A place or a direction in an image, in pixels; (0, 0) is the top left corner of the first pixel.
struct Point {
  float x = 0, y = 0;
  friend Point operator+(Point a, Point b) { return {a.x + b.x, a.y + b.y}; }
  friend Point operator*(Point a, float f) { return {a.x * f, a.y * f}; }
  friend bool operator==(const Point&, const Point&) = default;
};

/// An affine map of colours: out = rows * (r, g, b) + offsets, each row being (r, g, b, offset).
struct ColorMap {
  std::array<std::array<float, 4>, 3> rows{{{1, 0, 0, 0}, {0, 1, 0, 0}, {0, 0, 1, 0}}};
  /// This map and then `next`.
  ColorMap then(const ColorMap& next) const;
  friend bool operator==(const ColorMap&, const ColorMap&) = default;
};

/// An image, the frame through which it is seen, and the size in which that is rendered.
struct View {
  /// The whole image in its own size.
  explicit View(std::shared_ptr<const Image> source);

  std::shared_ptr<const Image> image;
  /// The frame is the parallelogram center +- right +- down of the image. It may reach beyond the
  /// edges, where the image is continued as in a mirror.
  Point center, right, down;
  /// Size of the result in pixels.
  int height, width;
  ColorMap color;

  /// The pixels seen through the frame, rounded to 0..255. Filters with a triangle whose support
  /// is two pixels of the result, or of the image where that is magnified (so shrinking does not
  /// alias). Throws ShapeError if the frame is flat or absurdly large.
  Image render() const;
};

}  // namespace tuco::data
