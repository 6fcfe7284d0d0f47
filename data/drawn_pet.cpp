// How a pet is drawn. All parts are in units of the head's radius, around the middle of the part
// that they belong to, x to the viewer's right and y down; a Placement puts them on the canvas.
#include "tuco/data/drawn.h"
#include "tuco/data/drawn_scene.h"
#include "tuco/data/raster.h"

namespace tuco::data {
namespace {

struct Coat {
  Color base, second, light;
  enum class Pattern { plain, stripes, patches, spots, bib } pattern;
  uint32_t seed;
  /// Size of the pattern in pixels, and direction of stripes.
  float grain;
  Point across;
  /// Where the light comes from.
  Point sun;
};

/// What of an animal is random, drawn once.
struct Pet {
  bool dog;
  Coat coat;
  Color eye, nose;
  enum class Ears { pointed, folded, hanging } ears;
  float ear_length, ear_width, face_width, muzzle, eye_size, pupil, whiskers, thickness, leg, hair;
  bool tongue, eyes_closed;
  /// Which way the head looks: sideways and up or down, about -0.5 to 0.5.
  Point gaze;
};

Color pick(Rng& rng, std::initializer_list<Color> colors) {
  return colors.begin()[rng.below(static_cast<uint32_t>(colors.size()))];
}

Color varied(Color color, float amount, Rng& rng) {
  const float light = rng.uniform(-amount, amount);
  return {color.r + light + rng.uniform(-amount, amount) / 2,
          color.g + light + rng.uniform(-amount, amount) / 2,
          color.b + light + rng.uniform(-amount, amount) / 2};
}

Coat make_coat(bool dog, float unit, Rng& rng) {
  using Pattern = Coat::Pattern;
  constexpr Color kBlack{38, 35, 36}, kGrey{118, 116, 120}, kBlue{92, 98, 110},
      kGinger{205, 132, 66}, kBrown{112, 76, 48}, kSand{196, 164, 118}, kCream{228, 212, 184},
      kWhite{238, 236, 232}, kChocolate{74, 50, 38};
  Coat coat;
  coat.base = varied(
      dog ? pick(rng, {kBlack, kBrown, kSand, kSand, kChocolate, kCream, kWhite, kGinger, kGrey})
          : pick(rng, {kBlack, kGrey, kGrey, kBlue, kGinger, kBrown, kSand, kCream, kWhite}),
      14, rng);
  coat.second = varied(pick(rng, {kBlack, kWhite, kGinger, kBrown, kCream, kChocolate}), 12, rng);
  coat.light = mix(coat.base, kWhite, rng.uniform(0.15f, 0.9f));
  const float which = rng.uniform();
  if (dog)
    coat.pattern = which < 0.38f   ? Pattern::plain
                   : which < 0.62f ? Pattern::patches
                   : which < 0.74f ? Pattern::spots
                   : which < 0.82f ? Pattern::stripes
                                   : Pattern::bib;
  else
    coat.pattern = which < 0.28f   ? Pattern::plain
                   : which < 0.50f ? Pattern::patches
                   : which < 0.54f ? Pattern::spots
                   : which < 0.84f ? Pattern::stripes
                                   : Pattern::bib;
  if (coat.pattern == Pattern::stripes)
    coat.second = mix(coat.base, kBlack, rng.uniform(0.35f, 0.75f));
  coat.seed = rng.bits();
  coat.grain = unit * rng.uniform(0.8f, 1.6f);
  const float angle = rng.uniform(-0.6f, 0.6f);
  coat.across = {std::sin(angle), std::cos(angle)};
  coat.sun = {rng.uniform(-0.7f, 0.7f), rng.uniform(-1, -0.2f)};
  return coat;
}

Pet make_pet(bool dog, float unit, Rng& rng) {
  Pet pet;
  pet.dog = dog;
  pet.coat = make_coat(dog, unit, rng);
  const float ears = rng.uniform();
  if (dog) {
    pet.ears = ears < 0.64f   ? Pet::Ears::hanging
               : ears < 0.84f ? Pet::Ears::folded
                              : Pet::Ears::pointed;
    pet.ear_length = rng.uniform(0.75f, 1.35f);
    pet.ear_width = rng.uniform(0.8f, 1.2f);
    pet.face_width = rng.uniform(0.78f, 0.98f);
    pet.muzzle = rng.uniform(0.62f, 1.15f);
    pet.eye = pick(rng, {{48, 30, 20}, {70, 44, 24}, {40, 28, 26}, {96, 66, 34}, {120, 150, 180}});
    pet.nose = pick(rng, {{26, 24, 26}, {34, 28, 28}, {80, 52, 46}});
    pet.eye_size = rng.uniform(0.11f, 0.17f);
    pet.pupil = 0.6f;
    pet.whiskers = rng.chance(0.3f) ? rng.uniform(0.05f, 0.3f) : 0;
    pet.thickness = rng.uniform(0.8f, 1.2f);
    pet.leg = rng.uniform(0.8f, 1.5f);
    pet.tongue = rng.chance(0.4f);
  } else {
    pet.ears = ears < 0.95f ? Pet::Ears::pointed : Pet::Ears::folded;
    pet.ear_length = rng.uniform(0.7f, 1.15f);
    pet.ear_width = rng.uniform(0.85f, 1.25f);
    pet.face_width = rng.uniform(0.94f, 1.14f);
    pet.muzzle = rng.uniform(0.34f, 0.5f);
    pet.eye = pick(rng, {{126, 160, 60},
                         {196, 160, 50},
                         {90, 150, 190},
                         {150, 130, 60},
                         {110, 150, 90},
                         {170, 110, 40}});
    pet.nose = pick(rng, {{206, 128, 124}, {170, 104, 96}, {52, 40, 40}, {90, 62, 58}});
    pet.eye_size = rng.uniform(0.16f, 0.24f);
    pet.pupil = rng.uniform(0.2f, 0.85f);
    pet.whiskers = rng.chance(0.85f) ? rng.uniform(0.25f, 0.9f) : 0;
    pet.thickness = rng.uniform(0.7f, 1.05f);
    pet.leg = rng.uniform(0.6f, 1);
    pet.tongue = rng.chance(0.03f);
  }
  pet.eyes_closed = rng.chance(0.06f);
  pet.hair = rng.chance(0.35f) ? rng.uniform(0.05f, 0.12f) : rng.uniform(0.015f, 0.04f);
  pet.gaze = {rng.uniform(-0.42f, 0.42f), rng.uniform(-0.18f, 0.22f)};
  return pet;
}

/// Fur: pattern, streaks of hair, and a shade that makes the part round. `light` is how much of the
/// light colour is mixed in.
Paint fur(const Pet& pet, const Placement& part, float shade = 0.25f, float light = 0) {
  using Pattern = Coat::Pattern;
  const Coat coat = pet.coat;
  const float size = std::hypot(part.x.x, part.x.y);
  const Point origin = part.origin;
  return [=](Point p) {
    const Point q = (p + origin * -1) * (1 / size);
    const Point at{p.x / coat.grain, p.y / coat.grain};
    Color color = coat.base;
    const float blotch =
        smooth_noise(at * 1.3f, coat.seed) + 0.5f * smooth_noise(at * 3.1f, coat.seed + 1);
    if (coat.pattern == Pattern::patches) {
      color = mix(color, coat.second, std::clamp(blotch * 6 - 0.4f, 0.0f, 1.0f));
    } else if (coat.pattern == Pattern::stripes) {
      const float wave =
          std::sin((at.x * coat.across.x + at.y * coat.across.y) * 9 + blotch * 2.4f);
      color = mix(color, coat.second, std::clamp(wave * 2 - 0.5f, 0.0f, 1.0f));
    } else if (coat.pattern == Pattern::spots) {
      const float spot = smooth_noise(at * 5, coat.seed + 2);
      color = mix(color, coat.second, std::clamp(spot * 8 - 3.6f, 0.0f, 1.0f));
    }
    color = mix(color, coat.light, light);
    const float hair = smooth_noise({p.x * 0.9f, p.y * 0.45f}, coat.seed + 3) * 0.07f +
                       smooth_noise({p.x * 0.3f, p.y * 0.2f}, coat.seed + 4) * 0.06f;
    const float lit = (q.x * coat.sun.x + q.y * coat.sun.y) * shade - 0.12f * shade * (q.y + 1);
    return color * (1 + hair + lit);
  };
}

Color darker(Color color, float factor) { return color * factor; }

/// A part of fur with a soft dark rim, so that it stands out from what is behind.
void fill_fur(Canvas& canvas, const Pet& pet, const Placement& part, const Path& outline, Rng& rng,
              float shade = 0.25f, float light = 0) {
  const float unit = std::hypot(part.x.x, part.x.y);
  const Path path = furry(part(outline), std::max(1.2f, unit * 0.07f), unit * pet.hair, rng);
  canvas.fill(path, fur(pet, part, shade, light));
  const Color rim = darker(pet.coat.base, 0.45f);
  for (size_t i = 0; i + 1 < path.size(); ++i)
    canvas.fill(stroke({path[i], path[i + 1]}, unit * 0.035f, unit * 0.035f), rim, 0.35f);
}

Path mirrored(Path path) {
  for (Point& p : path) p.x = -p.x;
  return path;
}

void draw_ear(Canvas& canvas, const Pet& pet, const Placement& head, bool left, Rng& rng) {
  const float l = pet.ear_length * rng.uniform(0.92f, 1.08f), w = pet.ear_width;
  // The side that is turned away shows less.
  const float turn = 1 + (left ? -0.35f : 0.35f) * pet.gaze.x;
  Path outer, inner;
  if (pet.ears == Pet::Ears::pointed) {
    const float spread = pet.dog ? 0.1f : 0.0f, narrow = pet.dog ? 0.8f : 1.0f;
    const Point tip{0.72f + spread, -0.55f - 0.95f * l};
    outer = {{0.98f * w, -0.28f},       tip + Point{0.16f, 0.45f},      tip,
             tip + Point{-0.1f, 0.08f}, {0.22f / (w * narrow), -0.86f}, {0.5f, -0.5f}};
    inner = {
        {0.82f * w, -0.5f}, tip + Point{0.07f, 0.42f}, tip + Point{0, 0.2f}, {0.4f / w, -0.82f}};
  } else if (pet.ears == Pet::Ears::folded) {
    const Point fold{0.85f, -0.75f - 0.35f * l};
    outer = {{0.86f * w, -0.3f}, {1.02f, -0.72f}, fold,
             {0.5f, -1.0f},      {0.26f, -0.86f}, {0.5f, -0.5f}};
    inner = {fold + Point{0.06f, -0.04f},
             {1.18f * w, -0.5f},
             {1.02f, -0.2f},
             {0.72f, -0.5f},
             {0.55f, -0.96f}};
  } else {
    outer = {{0.42f, -0.86f},    {0.86f, -0.84f},    {1.1f * w, -0.3f}, {1.16f * w, 0.35f * l},
             {0.96f, 0.85f * l}, {0.72f, 0.45f * l}, {0.62f, -0.2f}};
  }
  for (Path* path : {&outer, &inner})
    for (Point& p : *path) p = {p.x * pet.face_width * turn, p.y};
  if (left) {
    outer = mirrored(outer);
    inner = mirrored(inner);
  }
  const Path shape = pet.ears == Pet::Ears::pointed ? outer : smooth(outer);
  fill_fur(canvas, pet, head, shape, rng, 0.3f);
  if (inner.empty()) {
    // A hanging ear is darker than the head.
    canvas.fill(head(shape), darker(pet.coat.base, 0.5f), rng.uniform(0.15f, 0.55f));
  } else if (pet.ears == Pet::Ears::folded) {
    fill_fur(canvas, pet, head, smooth(inner), rng, 0.3f);
    canvas.fill(head(smooth(inner)), darker(pet.coat.base, 0.55f), 0.3f);
  } else {
    const Color skin = mix({196, 140, 130}, pet.coat.base, rng.uniform(0.2f, 0.8f));
    canvas.fill(head(inner), darker(skin, 0.85f), 0.85f);
  }
}

void draw_eye(Canvas& canvas, const Pet& pet, const Placement& head, Point at, bool left) {
  const float r = pet.eye_size;
  const Color rim = darker(pet.coat.base, 0.25f);
  if (pet.eyes_closed) {
    canvas.fill(
        head(stroke({at + Point{-r, 0}, at + Point{0, 0.4f * r}, at + Point{r, 0}}, 0.06f, 0.06f)),
        rim);
    return;
  }
  // A cat's eyes slant a little and nearly fill; a dog's are round and dark.
  const float slant = (left ? 1.0f : -1.0f) * (pet.dog ? 0.1f : -0.25f);
  const float open = pet.dog ? 0.9f : 0.82f;
  canvas.fill(head(ellipse(at, r * 1.22f, r * (open + 0.2f), slant)), rim);
  canvas.fill(head(ellipse(at, r, r * open, slant)), pet.eye);
  const Point look = at + pet.gaze * (0.3f * r);
  canvas.fill(head(ellipse(look, r * (pet.dog ? 0.55f : pet.pupil * 0.7f), r * open * 0.86f)),
              {14, 12, 14});
  canvas.fill(head(ellipse(at + Point{-0.3f * r, -0.35f * r}, 0.2f * r, 0.2f * r)),
              {245, 245, 250});
}

void draw_cat_muzzle(Canvas& canvas, const Pet& pet, const Placement& head, Point at, float pale,
                     Rng& rng) {
  const float m = pet.muzzle;
  for (const float side : {-1.0f, 1.0f})
    canvas.fill(head(ellipse(at + Point{side * 0.2f, 0.16f}, 0.27f, m * 0.5f, side * -0.2f)),
                fur(pet, head, 0.2f, pale));
  canvas.fill(head(ellipse(at + Point{0, 0.36f}, 0.2f, 0.14f)), fur(pet, head, 0.2f, pale));
  const Color line = darker(pet.coat.base, 0.3f);
  for (const float side : {-1.0f, 1.0f})
    canvas.fill(head(stroke({at + Point{0, 0.14f}, at + Point{side * 0.1f, 0.25f},
                             at + Point{side * 0.26f, 0.2f}},
                            0.045f, 0.02f)),
                line, 0.85f);
  canvas.fill(head(smooth({at + Point{-0.13f, -0.05f}, at + Point{0, -0.07f},
                           at + Point{0.13f, -0.05f}, at + Point{0, 0.12f}})),
              pet.nose);
  if (pet.whiskers <= 0) return;
  for (int i = 0; i < 8; ++i) {
    const float side = i % 2 ? 1.0f : -1.0f, row = static_cast<float>(i / 2) - 1.5f;
    const float reach = rng.uniform(0.9f, 1.35f), bend = rng.uniform(-0.08f, 0.08f);
    const Point root = at + Point{side * 0.26f, 0.12f + row * 0.045f};
    canvas.fill(head(stroke({root, root + Point{side * reach * 0.5f, row * 0.07f + bend},
                             root + Point{side * reach, row * 0.2f + bend * 3}},
                            0.035f, 0.012f)),
                {238, 236, 230}, pet.whiskers);
  }
}

void draw_dog_muzzle(Canvas& canvas, const Pet& pet, const Placement& head, Point at, float pale,
                     Rng& rng) {
  const float m = pet.muzzle;
  const Color line = darker(pet.coat.base, 0.25f);
  const Point nose = at + pet.gaze * (0.5f * m) + Point{0, 0.06f};
  const float bottom = 0.22f + 0.5f * m;
  if (pet.tongue) {
    const float sway = rng.uniform(-0.1f, 0.1f);
    canvas.fill(head(ellipse(at + Point{0, bottom - 0.06f}, 0.24f, 0.14f)), darker(line, 0.6f));
    canvas.fill(
        head(smooth({at + Point{-0.14f, bottom - 0.06f}, at + Point{0.14f, bottom - 0.06f},
                     at + Point{0.15f + sway, bottom + 0.28f}, at + Point{sway, bottom + 0.4f},
                     at + Point{-0.13f + sway, bottom + 0.28f}})),
        Color{214, 104, 112});
  }
  const Path snout =
      smooth({at + Point{-0.25f, -0.42f}, at + Point{0.25f, -0.42f}, at + Point{0.44f, 0.1f},
              at + Point{0.36f, bottom - 0.06f}, at + Point{0, bottom},
              at + Point{-0.36f, bottom - 0.06f}, at + Point{-0.44f, 0.1f}});
  canvas.fill(head(snout), fur(pet, head, 0.25f, pale));
  canvas.fill(
      head(stroke({at + Point{-0.4f, 0.0f}, at + Point{-0.34f, bottom - 0.2f}}, 0.05f, 0.02f)),
      line, 0.3f);
  canvas.fill(
      head(stroke({at + Point{0.4f, 0.0f}, at + Point{0.34f, bottom - 0.2f}}, 0.05f, 0.02f)), line,
      0.3f);
  const Point lip = nose + Point{0, 0.24f};
  canvas.fill(head(stroke({nose, lip}, 0.05f, 0.05f)), line, 0.9f);
  for (const float side : {-1.0f, 1.0f})
    canvas.fill(head(stroke({lip, at + Point{side * 0.2f, bottom - 0.1f},
                             at + Point{side * 0.38f, bottom - 0.24f}},
                            0.06f, 0.03f)),
                line, 0.9f);
  const float r = 0.19f + 0.05f * m;
  canvas.fill(head(smooth({nose + Point{-r, -0.08f}, nose + Point{0, -0.13f},
                           nose + Point{r, -0.08f}, nose + Point{r * 0.6f, 0.1f},
                           nose + Point{0, 0.15f}, nose + Point{-r * 0.6f, 0.1f}})),
              pet.nose);
  canvas.fill(head(ellipse(nose + Point{-0.05f, -0.06f}, 0.07f, 0.03f)), {150, 150, 156}, 0.7f);
  if (pet.whiskers > 0)
    for (int i = 0; i < 6; ++i) {
      const float side = i % 2 ? 1.0f : -1.0f, row = static_cast<float>(i / 2) - 1;
      const Point root = at + Point{side * 0.3f, 0.2f + row * 0.06f};
      canvas.fill(head(stroke({root, root + Point{side * 0.5f, row * 0.12f}}, 0.03f, 0.01f)),
                  {225, 222, 215}, pet.whiskers);
    }
}

void draw_head(Canvas& canvas, const Pet& pet, const Placement& head, Rng& rng) {
  const bool ears_behind = pet.ears != Pet::Ears::hanging;
  if (ears_behind) {
    draw_ear(canvas, pet, head, true, rng);
    draw_ear(canvas, pet, head, false, rng);
  }
  const float w = pet.face_width;
  const Path skull = pet.dog ? smooth({{0, -0.98f},
                                       {0.6f * w, -0.8f},
                                       {0.9f * w, -0.2f},
                                       {0.76f * w, 0.42f},
                                       {0.42f * w, 0.86f},
                                       {0, 0.98f},
                                       {-0.42f * w, 0.86f},
                                       {-0.76f * w, 0.42f},
                                       {-0.9f * w, -0.2f},
                                       {-0.6f * w, -0.8f}})
                             : smooth({{0, -0.86f},
                                       {0.56f * w, -0.76f},
                                       {0.96f * w, -0.16f},
                                       {1.0f * w, 0.28f},
                                       {0.6f * w, 0.72f},
                                       {0, 0.88f},
                                       {-0.6f * w, 0.72f},
                                       {-1.0f * w, 0.28f},
                                       {-0.96f * w, -0.16f},
                                       {-0.56f * w, -0.76f}});
  fill_fur(canvas, pet, head, skull, rng, 0.3f);
  if (!ears_behind) {
    draw_ear(canvas, pet, head, true, rng);
    draw_ear(canvas, pet, head, false, rng);
  }
  const Point face = pet.gaze * 0.8f;
  const bool marked = pet.coat.pattern == Coat::Pattern::bib || rng.chance(0.25f);
  const float pale = marked ? rng.uniform(0.6f, 1) : rng.uniform(0, 0.45f);
  if (marked && rng.chance(0.6f))  // a blaze up the forehead
    canvas.fill(
        head(smooth({face + Point{0, -0.75f}, face + Point{0.16f, -0.2f}, face + Point{0.3f, 0.4f},
                     face + Point{-0.3f, 0.4f}, face + Point{-0.16f, -0.2f}})),
        fur(pet, head, 0.25f, pale));
  if (!pet.dog && pet.coat.pattern == Coat::Pattern::stripes)
    for (const float x : {-0.3f, -0.1f, 0.1f, 0.3f})
      canvas.fill(
          head(stroke({face + Point{x, -0.42f}, face + Point{x * 1.5f, -0.78f}}, 0.05f, 0.09f)),
          pet.coat.second, 0.8f);
  const float apart = pet.dog ? 0.4f : 0.44f, high = pet.dog ? -0.22f : -0.08f;
  for (const bool left : {true, false}) {
    const float side = left ? -1.0f : 1.0f;
    const float near = 1 - 0.25f * side * pet.gaze.x;
    draw_eye(canvas, pet, head, face + Point{side * apart * w * near, high}, left);
    if (pet.dog && pet.coat.pattern == Coat::Pattern::bib)
      canvas.fill(head(ellipse(face + Point{side * apart * w * near, high - 0.28f}, 0.1f, 0.07f)),
                  pet.coat.light, 0.6f);
  }
  if (pet.dog)
    draw_dog_muzzle(canvas, pet, head, face + Point{0, 0.32f}, pale, rng);
  else
    draw_cat_muzzle(canvas, pet, head, face + Point{0, 0.26f}, pale, rng);
}

void draw_tail(Canvas& canvas, const Pet& pet, const Placement& body, Point root, float side,
               Rng& rng) {
  const float l = pet.dog ? rng.uniform(0.7f, 1.7f) : rng.uniform(1.6f, 2.6f);
  const float up = pet.dog ? rng.uniform(-1.2f, 0.3f) : rng.uniform(-1.5f, 0.7f);
  const Path line = {root, root + Point{side * 0.45f * l, up * 0.3f * l},
                     root + Point{side * 0.7f * l, up * 0.7f * l},
                     root + Point{side * (pet.dog ? 0.75f : 0.4f) * l, up * 1.1f * l}};
  const float width = pet.dog ? 0.36f : 0.27f;
  fill_fur(canvas, pet, body, stroke(line, width, pet.dog ? 0.14f : 0.2f), rng, 0.1f);
}

void draw_leg(Canvas& canvas, const Pet& pet, const Placement& body, Point hip, Point foot,
              Rng& rng) {
  const float w = 0.42f * pet.thickness;
  fill_fur(canvas, pet, body,
           stroke({hip, (hip + foot) * 0.5f + Point{rng.uniform(-0.06f, 0.06f), 0}, foot},
                  w * 1.25f, w * 0.8f),
           rng, 0.1f);
  const bool sock = pet.coat.pattern == Coat::Pattern::bib;
  canvas.fill(body(ellipse(foot + Point{0, 0.04f}, w * 0.56f, w * 0.4f)),
              fur(pet, body, 0.1f, sock ? 0.9f : 0.1f));
}

/// Sits and looks at the viewer; the head is at the placement's origin.
void draw_sitting(Canvas& canvas, const Pet& pet, const Placement& at, Rng& rng) {
  const float t = pet.thickness, low = 2.1f + pet.leg * 0.5f;
  const float side = rng.chance(0.5f) ? 1.0f : -1.0f;
  draw_tail(canvas, pet, at, {side * 0.7f * t, low - 0.25f}, side, rng);
  for (const float s : {-1.0f, 1.0f})
    fill_fur(canvas, pet, at, ellipse({s * 0.68f * t, low - 0.35f}, 0.5f * t, 0.6f, s * 0.3f), rng);
  fill_fur(canvas, pet, at,
           smooth({{0, 0.2f},
                   {0.6f * t, 0.75f},
                   {0.86f * t, low - 0.7f},
                   {0.62f * t, low},
                   {-0.62f * t, low},
                   {-0.86f * t, low - 0.7f},
                   {-0.6f * t, 0.75f}}),
           rng, 0.15f);
  if (pet.coat.pattern == Coat::Pattern::bib || rng.chance(0.2f))
    canvas.fill(furry(at(smooth({{0, 0.5f},
                                 {0.36f * t, 1.0f},
                                 {0.2f * t, 1.75f},
                                 {-0.2f * t, 1.75f},
                                 {-0.36f * t, 1.0f}})),
                      2, std::hypot(at.x.x, at.x.y) * 0.06f, rng),
                fur(pet, at, 0.1f, 0.9f));
  for (const float s : {-1.0f, 1.0f})
    draw_leg(canvas, pet, at, {s * 0.3f * t, 1.3f}, {s * 0.33f * t, low + 0.08f}, rng);
  draw_head(canvas, pet, Placement::at({0, 0}, 1, rng.uniform(-0.2f, 0.2f)).in(at), rng);
}

/// Stands or walks, seen from the side, the head turned to the viewer.
void draw_standing(Canvas& canvas, const Pet& pet, const Placement& at, Rng& rng) {
  const float t = pet.thickness, l = rng.uniform(2.4f, 3.2f), belly = 0.95f;
  const float floor = belly + 0.55f * t + pet.leg;
  draw_tail(canvas, pet, at, {l + 0.15f, belly - 0.3f}, 1, rng);
  for (const float x : {0.62f, l - 0.1f})  // far legs
    draw_leg(canvas, pet, at, {x, belly + 0.2f}, {x + rng.uniform(-0.35f, 0.35f), floor - 0.12f},
             rng);
  const float chest = pet.dog ? 0.85f : 0.68f, waist = pet.dog ? 0.5f : 0.62f;
  fill_fur(canvas, pet, Placement::at({l / 2, belly}, 1).in(at),
           smooth({{-l / 2 - 0.1f, -0.45f * t},
                   {0, -0.55f * t},
                   {l / 2, -0.52f * t},
                   {l / 2 + 0.25f, 0},
                   {l / 2, waist * t},
                   {0.1f, waist * t},
                   {-l / 2 + 0.4f, chest * t},
                   {-l / 2 - 0.1f, 0.4f * t}}),
           rng, 0.3f);
  for (const float x : {0.3f, l - 0.4f})  // near legs
    draw_leg(canvas, pet, at, {x, belly + 0.25f}, {x + rng.uniform(-0.35f, 0.35f), floor}, rng);
  fill_fur(canvas, pet, at, smooth({{-0.5f, 0.1f}, {0.5f, -0.2f}, {1.0f, 0.6f}, {0.1f, 1.4f}}), rng,
           0.15f);
  draw_head(canvas, pet, Placement::at({-0.25f, 0}, 1, rng.uniform(-0.25f, 0.25f)).in(at), rng);
}

/// Lies with its paws before it.
void draw_lying(Canvas& canvas, const Pet& pet, const Placement& at, Rng& rng) {
  const float t = pet.thickness, side = rng.chance(0.5f) ? 1.0f : -1.0f;
  draw_tail(canvas, pet, at, {side * 2.2f, 1.2f}, side, rng);
  fill_fur(canvas, pet, Placement::at({side * 1.1f, 0.85f}, 1).in(at),
           ellipse({0, 0}, 1.55f, 0.8f * t, side * 0.12f), rng, 0.3f);
  fill_fur(canvas, pet, at, ellipse({side * 1.9f, 1.2f}, 0.7f, 0.5f * t), rng);
  for (const float s : {-1.0f, 1.0f})
    draw_leg(canvas, pet, at, {s * 0.4f + side * 0.2f, 1.15f},
             {s * 0.5f - side * 0.35f, 1.55f + rng.uniform(0, 0.15f)}, rng);
  draw_head(canvas, pet, Placement::at({0, 0.1f}, 1, rng.uniform(-0.35f, 0.35f)).in(at), rng);
}

/// Head and shoulders.
void draw_portrait(Canvas& canvas, const Pet& pet, const Placement& at, Rng& rng) {
  const float t = pet.thickness;
  fill_fur(canvas, pet, Placement::at({0, 1.4f}, 1).in(at),
           smooth({{0, -1.1f},
                   {0.8f * t, -0.6f},
                   {1.2f * t, 0.6f},
                   {1.1f * t, 2},
                   {-1.1f * t, 2},
                   {-1.2f * t, 0.6f},
                   {-0.8f * t, -0.6f}}),
           rng, 0.2f, pet.coat.pattern == Coat::Pattern::bib ? 0.6f : 0);
  draw_head(canvas, pet, Placement::at({0, 0}, 1, rng.uniform(-0.3f, 0.3f)).in(at), rng);
}

}  // namespace

Image draw_pet(bool dog, int side, Rng rng) {
  Canvas canvas(side, side);
  detail::draw_background(canvas, rng);
  const float s = static_cast<float>(side);
  const float pose = rng.uniform();
  const float angle = rng.uniform(-0.16f, 0.16f), flip = rng.chance(0.5f) ? -1.0f : 1.0f;
  const auto placed = [&](float low, float high, Point middle) {
    const float unit = s * rng.uniform(low, high);
    const Point at{s * (0.5f + rng.uniform(-0.09f, 0.09f)) - flip * middle.x * unit,
                   s * (0.5f + rng.uniform(-0.08f, 0.08f)) - middle.y * unit};
    Placement placement = Placement::at(at, unit, angle);
    placement.x = placement.x * flip;
    return placement;
  };
  const auto pet_for = [&](const Placement& at) {
    return make_pet(dog, std::hypot(at.x.x, at.x.y), rng);
  };
  if (pose < 0.42f) {
    const Placement at = placed(0.25f, 0.36f, {0, 0.1f});
    draw_portrait(canvas, pet_for(at), at, rng);
  } else if (pose < 0.68f) {
    const Placement at = placed(0.17f, 0.235f, {0, 0.9f});
    draw_sitting(canvas, pet_for(at), at, rng);
  } else if (pose < 0.86f) {
    const Placement at = placed(0.14f, 0.19f, {1.2f, 0.7f});
    draw_standing(canvas, pet_for(at), at, rng);
  } else {
    const Placement at = placed(0.17f, 0.24f, {0.6f, 0.5f});
    draw_lying(canvas, pet_for(at), at, rng);
  }
  detail::draw_in_front(canvas, rng);
  detail::photograph(canvas, rng);
  return canvas.image();
}

}  // namespace tuco::data
