#include "tuco/data/raster.h"

#include <numbers>

namespace tuco::data {
namespace {

constexpr float kPi = std::numbers::pi_v<float>;

/// For each pixel of a box, how much of it is inside a path. Every edge adds its signed area to the
/// pixels that it crosses and its height to the one to the right; sums along the rows are then the
/// coverage, exactly.
class Coverage {
 public:
  Coverage(const Path& path, int height, int width) {
    float left = 1e9f, top = 1e9f, right = -1e9f, bottom = -1e9f;
    for (const Point p : path) {
      left = std::min(left, p.x);
      right = std::max(right, p.x);
      top = std::min(top, p.y);
      bottom = std::max(bottom, p.y);
    }
    const auto inside = [](float value, int size) {
      return static_cast<int>(std::clamp(value, 0.0f, static_cast<float>(size)));
    };
    x0 = inside(std::floor(left), width);
    y0 = inside(std::floor(top), height);
    wide = inside(std::ceil(right), width) - x0;
    high = inside(std::ceil(bottom), height) - y0;
    if (wide <= 0 || high <= 0) return;
    // An edge may add to the pixel behind the last one.
    values.resize(static_cast<size_t>(high) * static_cast<size_t>(wide + 2));
    for (size_t i = 0; i < path.size(); ++i) add(path[i], path[(i + 1) % path.size()]);
  }

  /// Calls visit(x, y, coverage) for the pixels that are at least a little inside.
  template <class Visit>
  void each(Visit&& visit) const {
    for (int y = 0; y < high; ++y) {
      float sum = 0;
      for (int x = 0; x < wide; ++x) {
        sum += values[at(x, y)];
        const float covered = std::min(1.0f, std::abs(sum));
        if (covered > 1e-3f) visit(x0 + x, y0 + y, covered);
      }
    }
  }

 private:
  size_t at(int x, int y) const {
    return static_cast<size_t>(y) * static_cast<size_t>(wide + 2) + static_cast<size_t>(x);
  }

  void add(Point from, Point to) {
    const float sign = from.y < to.y ? 1.0f : -1.0f;
    if (from.y > to.y) std::swap(from, to);
    const Point origin{static_cast<float>(x0), static_cast<float>(y0)};
    from = from + origin * -1;
    to = to + origin * -1;
    if (to.y <= 0 || from.y >= static_cast<float>(high) || from.y == to.y) return;
    const float slope = (to.x - from.x) / (to.y - from.y);
    const int first = std::max(0, static_cast<int>(from.y));
    const int last = std::min(high, static_cast<int>(std::ceil(to.y)));
    for (int y = first; y < last; ++y) {
      const float begin = std::max(static_cast<float>(y), from.y);
      const float end = std::min(static_cast<float>(y + 1), to.y);
      const float limit = static_cast<float>(wide);
      const float xa = std::clamp(from.x + (begin - from.y) * slope, 0.0f, limit);
      const float xb = std::clamp(from.x + (end - from.y) * slope, 0.0f, limit);
      add_in_row(y, std::min(xa, xb), std::max(xa, xb), sign * (end - begin));
    }
  }

  /// An edge of signed height `d` within one row, from x = a to b.
  void add_in_row(int y, float a, float b, float d) {
    const int first = static_cast<int>(a);
    float* row = &values[at(0, y)];
    if (b <= static_cast<float>(first + 1)) {
      const float right_part = (a + b) / 2 - static_cast<float>(first);
      row[first] += d * (1 - right_part);
      row[first + 1] += d * right_part;
      return;
    }
    // What lies right of the edge, pixel by pixel, as the difference to the pixel before.
    float before = 0;
    for (int x = first; static_cast<float>(x) < b; ++x) {
      // The edge crosses this pixel from `enter` to `leave`; height grows linearly with x.
      const float enter = std::max(a, static_cast<float>(x));
      const float leave = std::min(b, static_cast<float>(x + 1));
      const float done = (enter - a) / (b - a), share = (leave - enter) / (b - a);
      const float mean_x = (enter + leave) / 2 - static_cast<float>(x);
      const float covered = d * (done + share * (1 - mean_x));
      row[x] += covered - before;
      before = covered;
    }
    row[static_cast<int>(std::ceil(b))] += d - before;
  }

 public:
  int x0 = 0, y0 = 0, wide = 0, high = 0;

 private:
  std::vector<float> values;
};

/// Points along a curve through the given ones, closed or open.
Path curve(const Path& through, bool closed) {
  constexpr int kSteps = 8;
  const int n = static_cast<int>(through.size());
  const auto get = [&](int i) {
    return through[static_cast<size_t>(closed ? (i + n) % n : std::clamp(i, 0, n - 1))];
  };
  Path result;
  for (int i = 0; i < (closed ? n : n - 1); ++i)
    for (int step = 0; step < kSteps; ++step) {
      const float t = static_cast<float>(step) / kSteps;
      const Point a = get(i - 1), b = get(i), c = get(i + 1), d = get(i + 2);
      result.push_back(b + (c + a * -1) * (0.5f * t) +
                       (a + b * -2.5f + c * 2 + d * -0.5f) * (t * t) +
                       (a * -0.5f + b * 1.5f + c * -1.5f + d * 0.5f) * (t * t * t));
    }
  if (!closed) result.push_back(through.back());
  return result;
}

uint32_t hash(uint32_t x, uint32_t y, uint32_t seed) {
  uint32_t h = x * 0x9E3779B1u ^ y * 0x85EBCA77u ^ seed * 0xC2B2AE3Du;
  h = (h ^ h >> 15) * 0x2C1B3C6Du;
  h = (h ^ h >> 12) * 0x297A2D39u;
  return h ^ h >> 15;
}

}  // namespace

Color mix(Color a, Color b, float t) { return a * (1 - t) + b * t; }

Path ellipse(Point center, float rx, float ry, float angle) {
  constexpr int kCorners = 28;
  const float c = std::cos(angle), s = std::sin(angle);
  Path path;
  for (int i = 0; i < kCorners; ++i) {
    const float t = 2 * kPi * static_cast<float>(i) / kCorners;
    const float x = rx * std::cos(t), y = ry * std::sin(t);
    path.push_back(center + Point{c * x - s * y, s * x + c * y});
  }
  return path;
}

Path smooth(const Path& through) { return curve(through, true); }

Path stroke(const Path& through, float first_width, float last_width) {
  const Path middle = curve(through, false);
  Path left, right;
  for (size_t i = 0; i < middle.size(); ++i) {
    const Point along = middle[std::min(i + 1, middle.size() - 1)] + middle[i ? i - 1 : 0] * -1;
    const float length = std::max(1e-6f, std::hypot(along.x, along.y));
    const float t = static_cast<float>(i) / static_cast<float>(middle.size() - 1);
    const float half = (first_width + (last_width - first_width) * t) / 2;
    const Point aside{-along.y / length * half, along.x / length * half};
    left.push_back(middle[i] + aside);
    right.push_back(middle[i] + aside * -1);
    // A round end.
    if (i + 1 == middle.size()) left.push_back(middle[i] + along * (half / length));
  }
  left.insert(left.end(), right.rbegin(), right.rend());
  return left;
}

Path furry(const Path& outline, float step, float amount, Rng& rng) {
  Path result;
  float carried = 0;
  bool out = false;
  for (size_t i = 0; i < outline.size(); ++i) {
    const Point a = outline[i], b = outline[(i + 1) % outline.size()];
    const Point along = b + a * -1;
    const float length = std::hypot(along.x, along.y);
    for (; carried < length; carried += step * rng.uniform(0.6f, 1.4f)) {
      out = !out;
      const float aside = (out ? amount : -amount) * rng.uniform() / length;
      result.push_back(a + along * (carried / length) + Point{along.y * aside, -along.x * aside});
    }
    carried -= length;
  }
  return result.size() < 3 ? outline : result;
}

Path Placement::operator()(Path path) const {
  for (Point& p : path) p = (*this)(p);
  return path;
}

Placement Placement::in(const Placement& outer) const {
  return {outer(origin), outer.x * x.x + outer.y * x.y, outer.x * y.x + outer.y * y.y};
}

Placement Placement::at(Point origin, float scale, float angle) {
  const float c = scale * std::cos(angle), s = scale * std::sin(angle);
  return {origin, {c, s}, {-s, c}};
}

float smooth_noise(Point p, uint32_t seed) {
  const float fx = std::floor(p.x), fy = std::floor(p.y);
  const auto x = static_cast<uint32_t>(static_cast<int32_t>(fx));
  const auto y = static_cast<uint32_t>(static_cast<int32_t>(fy));
  const auto value = [&](uint32_t dx, uint32_t dy) {
    return philox::to_unit(hash(x + dx, y + dy, seed)) * 2 - 1;
  };
  const auto ease = [](float t) { return t * t * (3 - 2 * t); };
  const float u = ease(p.x - fx), v = ease(p.y - fy);
  return (value(0, 0) * (1 - u) + value(1, 0) * u) * (1 - v) +
         (value(0, 1) * (1 - u) + value(1, 1) * u) * v;
}

Canvas::Canvas(int height, int width)
    : height_(height),
      width_(width),
      pixels_(static_cast<size_t>(height) * static_cast<size_t>(width)) {}

void Canvas::fill(const Path& path, const Paint& paint, float opacity) {
  Coverage(path, height_, width_).each([&](int x, int y, float covered) {
    Color& pixel = pixels_[static_cast<size_t>(y) * size_t(width_) + static_cast<size_t>(x)];
    const Point middle{static_cast<float>(x) + 0.5f, static_cast<float>(y) + 0.5f};
    pixel = mix(pixel, paint(middle), covered * opacity);
  });
}

void Canvas::fill(const Path& path, Color color, float opacity) {
  fill(
      path, [color](Point) { return color; }, opacity);
}

void Canvas::each(const std::function<Color(Point, Color)>& change) {
  auto pixel = pixels_.begin();
  for (int y = 0; y < height_; ++y)
    for (int x = 0; x < width_; ++x, ++pixel)
      *pixel = change({static_cast<float>(x) + 0.5f, static_cast<float>(y) + 0.5f}, *pixel);
}

void Canvas::blur(float deviation) {
  const int radius = static_cast<int>(std::ceil(2.5f * deviation));
  if (radius <= 0) return;
  std::vector<float> weights;
  float sum = 0;
  for (int i = -radius; i <= radius; ++i) {
    const float t = static_cast<float>(i) / deviation;
    weights.push_back(std::exp(-t * t / 2));
    sum += weights.back();
  }
  const auto pass = [&](int steps, int count, int along, int across) {
    std::vector<Color> line(static_cast<size_t>(steps));
    for (int k = 0; k < count; ++k) {
      for (int i = 0; i < steps; ++i) {
        Color total;
        for (int j = -radius; j <= radius; ++j) {
          const int from = std::clamp(i + j, 0, steps - 1);
          total = total +
                  pixels_[size_t(k * across + from * along)] * (weights[size_t(j + radius)] / sum);
        }
        line[size_t(i)] = total;
      }
      for (int i = 0; i < steps; ++i) pixels_[size_t(k * across + i * along)] = line[size_t(i)];
    }
  };
  pass(width_, height_, 1, width_);
  pass(height_, width_, width_, 1);
}

Image Canvas::image() const {
  Image result(height_, width_, 3);
  uint8_t* out = result.pixels.data();
  for (const Color& pixel : pixels_)
    for (const float value : {pixel.r, pixel.g, pixel.b})
      *out++ = static_cast<uint8_t>(std::clamp(value, 0.0f, 255.0f) + 0.5f);
  return result;
}

}  // namespace tuco::data
