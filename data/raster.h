// A small anti-aliased painter: closed paths, filled with a paint that may differ from pixel to
// pixel. It draws the pictures of data/drawn.h.
#pragma once
#include <functional>
#include <vector>

#include "tuco/core/rng.h"
#include "tuco/data/image.h"
#include "tuco/data/view.h"

namespace tuco::data {

/// Red, green and blue of 0 to 255; in between, colours may leave that range.
struct Color {
  float r = 0, g = 0, b = 0;
  friend Color operator*(Color c, float f) { return {c.r * f, c.g * f, c.b * f}; }
  friend Color operator+(Color x, Color y) { return {x.r + y.r, x.g + y.g, x.b + y.b}; }
};
/// `a` at t = 0, `b` at t = 1.
Color mix(Color a, Color b, float t);

/// The corners of a polygon, closed from the last to the first.
using Path = std::vector<Point>;
/// The colour of the pixel around a point.
using Paint = std::function<Color(Point)>;

/// An ellipse of half axes rx and ry, turned by `angle` (radians).
Path ellipse(Point center, float rx, float ry, float angle = 0);
/// A closed curve through the points (Catmull and Rom, 1974).
Path smooth(const Path& through);
/// A line along a curve through the points that grows or tapers from one width to another.
Path stroke(const Path& through, float first_width, float last_width);
/// The outline with tufts of hair: points every `step` pixels, moved outward and inward by up to
/// `amount`.
Path furry(const Path& outline, float step, float amount, Rng& rng);

/// A map of the plane: turned, scaled and moved.
struct Placement {
  Point origin;
  /// Where (1, 0) and (0, 1) go to, from the origin.
  Point x{1, 0}, y{0, 1};
  Point operator()(Point p) const { return origin + x * p.x + y * p.y; }
  Path operator()(Path path) const;
  /// This placement inside of `outer`.
  Placement in(const Placement& outer) const;
  static Placement at(Point origin, float scale, float angle = 0);
};

/// Smooth noise of -1 to 1 in the plane, its bumps about one unit wide; a function of the seed.
float smooth_noise(Point p, uint32_t seed);

/// Pixels in the making.
class Canvas {
 public:
  Canvas(int height, int width);
  int height() const { return height_; }
  int width() const { return width_; }
  /// Lays paint over what is there, as far as each pixel is inside the path. Overlapping parts of
  /// a path count once if they turn the same way.
  void fill(const Path& path, const Paint& paint, float opacity = 1);
  void fill(const Path& path, Color color, float opacity = 1);
  /// Replaces every pixel by what `change` makes of its place and colour.
  void each(const std::function<Color(Point, Color)>& change);
  /// Blurs with a Gaussian of the given deviation in pixels.
  void blur(float deviation);
  Image image() const;

 private:
  int height_, width_;
  std::vector<Color> pixels_;
};

}  // namespace tuco::data
