#include "tuco/data/drawn_scene.h"

#include "tuco/data/transforms.h"

namespace tuco::data {
namespace {

Color any_color(Rng& rng) {
  const Color color{rng.uniform(20, 240), rng.uniform(20, 240), rng.uniform(20, 240)};
  const float grey = (color.r + color.g + color.b) / 3;
  return mix(color, {grey, grey, grey}, rng.uniform(0.2f, 0.9f));
}

// Each random number has a statement of its own, or braces: in the arguments of a function, their
// order would be the compiler's.
Path any_ellipse(Point at, Range rx, Range ry, Rng& rng) {
  const float x = rng.uniform(rx.low, rx.high), y = rng.uniform(ry.low, ry.high);
  return ellipse(at, x, y, rng.uniform(0, 3));
}

}  // namespace

namespace detail {

void draw_background(Canvas& canvas, Rng& rng) {
  const float side = static_cast<float>(canvas.width());
  const Color top = any_color(rng), low = any_color(rng), floor = any_color(rng);
  const float horizon = side * rng.uniform(0.35f, 1.1f), slope = rng.uniform(-0.15f, 0.15f);
  const uint32_t seed = rng.bits();
  const float grain = side * rng.uniform(0.02f, 0.3f), rough = rng.uniform(3, 20);
  const bool lawn = rng.chance(0.3f);
  canvas.each([&](Point p, Color) {
    const float edge = p.y - horizon - slope * (p.x - side / 2);
    Color color = mix(top, low, p.y / side);
    if (edge > 0) color = lawn ? Color{86, 124, 52} * (0.8f + 0.002f * edge) : floor;
    const float texture =
        smooth_noise({p.x / grain, p.y / grain}, seed) * rough +
        smooth_noise({p.x * 0.7f, p.y * (lawn ? 0.25f : 0.7f)}, seed + 1) * rough * 0.5f;
    return color + Color{texture, texture, texture};
  });
  for (uint32_t things = rng.below(6); things > 0; --things) {
    const Point at{rng.uniform(0, side), rng.uniform(0, side)};
    const float size = side * rng.uniform(0.06f, 0.35f);
    Path shape;
    switch (rng.below(4)) {
      case 0:
        shape = Placement::at(at, size, rng.uniform(-0.4f, 0.4f))(
            Path{{-1, -0.6f}, {1, -0.6f}, {1, 0.6f}, {-1, 0.6f}});
        break;
      case 1:
        shape = any_ellipse(at, {size, size}, {0.4f * size, size}, rng);
        break;
      case 2:  // like an ear, of nobody
        shape = Placement::at(at, size, rng.uniform(0, 6.3f))(
            Path{{0, -1}, {rng.uniform(0.4f, 0.9f), 0.6f}, {rng.uniform(-0.9f, -0.4f), 0.6f}});
        break;
      default:
        shape = stroke({at, at + Point{rng.uniform(-1, 1) * side, rng.uniform(-1, 1) * side}},
                       size * 0.3f, size * 0.2f);
    }
    const Color color = any_color(rng);
    canvas.fill(
        shape, [=](Point p) { return color * (1 + 0.15f * (p.y - at.y) / size); },
        rng.uniform(0.6f, 1));
  }
}

void draw_in_front(Canvas& canvas, Rng& rng) {
  const float side = static_cast<float>(canvas.width());
  switch (rng.below(9)) {
    case 0: {
      const Color color = any_color(rng);
      const float gap = side * rng.uniform(0.12f, 0.3f), lean = rng.uniform(-0.1f, 0.1f) * side;
      for (float x = rng.uniform(0, gap); x < side; x += gap)
        canvas.fill(stroke({{x, 0}, {x + lean, side}}, side * 0.02f, side * 0.02f), color, 0.9f);
      break;
    }
    case 1:
      for (int i = 0; i < 24; ++i) {
        const float x = rng.uniform(0, side), high = rng.uniform(0.1f, 0.35f) * side;
        const Point tip{x + rng.uniform(-0.06f, 0.06f) * side, side - high};
        const Color green{70, rng.uniform(100, 160), 50};
        canvas.fill(stroke({{x, side}, tip}, side * 0.018f, 0.5f), green, 0.95f);
      }
      break;
    case 2: {
      const Point at{rng.uniform(0, side), rng.uniform(0.55f, 1.05f) * side};
      const Path shape =
          any_ellipse(at, {0.12f * side, 0.3f * side}, {0.1f * side, 0.2f * side}, rng);
      canvas.fill(shape, any_color(rng));
      break;
    }
    case 3: {  // fingers
      const Color skin{rng.uniform(120, 230), rng.uniform(90, 175), rng.uniform(70, 150)};
      const Point at{rng.uniform(0, side), rng.uniform(0.4f, 1) * side};
      const Point to{rng.uniform(-0.4f, 0.4f) * side, rng.uniform(-0.3f, 0.1f) * side};
      for (int i = 0; i < 4; ++i) {
        const Point from = at + Point{static_cast<float>(i) * side * 0.055f, 0};
        canvas.fill(stroke({from + to * -1, from, from + to * 0.5f}, side * 0.06f, side * 0.045f),
                    skin * (0.9f + 0.05f * static_cast<float>(i)));
      }
      break;
    }
    default:  // nothing
      break;
  }
}

void photograph(Canvas& canvas, Rng& rng) {
  const float side = static_cast<float>(canvas.width());
  if (rng.chance(0.5f)) canvas.blur(rng.uniform(0.3f, 1) * side / 120);
  const Color cast{rng.uniform(0.85f, 1.12f), rng.uniform(0.9f, 1.08f), rng.uniform(0.82f, 1.12f)};
  const float gain = rng.uniform(0.65f, 1.25f), lift = rng.uniform(-12, 22);
  const float noise = rng.uniform(1, 7);
  const Point light{rng.uniform(-0.25f, 0.25f) / side, rng.uniform(-0.25f, 0.25f) / side};
  Rng grain = rng.split(1);
  canvas.each([&](Point p, Color c) {
    const float level = gain * (1 + light.x * (p.x - side / 2) + light.y * (p.y - side / 2));
    // A sum of uniform numbers is normal enough for grain, and quick.
    const float n = (grain.uniform() + grain.uniform() - 1) * 2.4f * noise;
    return Color{c.r * cast.r * level + lift + n, c.g * cast.g * level + lift + n,
                 c.b * cast.b * level + lift + n};
  });
}

}  // namespace detail
}  // namespace tuco::data
