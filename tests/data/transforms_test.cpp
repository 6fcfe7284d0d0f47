#include "tuco/data/transforms.h"

#include <gtest/gtest.h>

#include <cmath>

#include "samples.h"
#include "tuco/core/error.h"

namespace tuco::data {
namespace {

using test::message_of;
using test::sample_image;

std::shared_ptr<const Image> shared(Image image) {
  return std::make_shared<const Image>(std::move(image));
}

Preprocessing square(int side, int channels = 3) {
  Preprocessing p;
  p.height = p.width = side;
  p.channels = channels;
  return p;
}

/// One row or column of the triangle filter, written down as its definition says.
std::vector<double> plain_weights(int from, int to, int at, int& first) {
  const double scale = double(from) / to, support = std::max(scale, 1.0);
  const double center = (at + 0.5) * scale;
  first = int(std::floor(center - support));
  std::vector<double> weights;
  double sum = 0;
  for (int i = first; i < center + support + 1; ++i) {
    weights.push_back(std::max(0.0, 1 - std::abs(i + 0.5 - center) / support));
    sum += weights.back();
  }
  for (double& w : weights) w /= sum;
  return weights;
}

int mirror(int i, int n) { return i < 0 ? -1 - i : i >= n ? 2 * n - 1 - i : i; }

/// The separable definition of the resize, in double precision.
double plain_resize(const Image& image, int height, int width, int y, int x, int c) {
  int top, left;
  const auto rows = plain_weights(image.height, height, y, top);
  const auto columns = plain_weights(image.width, width, x, left);
  double sum = 0;
  for (size_t i = 0; i < rows.size(); ++i)
    for (size_t j = 0; j < columns.size(); ++j)
      sum += rows[i] * columns[j] *
             image.at(mirror(top + int(i), image.height), mirror(left + int(j), image.width))[c];
  return sum;
}

TEST(View, WholeImageIsItself) {
  const auto image = shared(sample_image(31, 17, 3));
  EXPECT_EQ(View(image).render(), *image);
}

TEST(View, ResizingIsTheTriangleFilterOfItsDefinition) {
  for (const int channels : {1, 3})
    for (const auto& [height, width] : {std::pair{48, 40}, {20, 37}, {101, 160}, {7, 5}}) {
      const auto image = shared(sample_image(90, 120, channels));
      View view(image);
      Resize{height, width, ResizeRule::stretch}(view);
      const Image result = view.render();
      for (int y = 0; y < height; ++y)
        for (int x = 0; x < width; ++x)
          for (int c = 0; c < channels; ++c)
            ASSERT_NEAR(result.at(y, x)[c], plain_resize(*image, height, width, y, x, c), 0.51)
                << height << " x " << width << " at " << y << ", " << x;
    }
}

TEST(View, ShrinkingDoesNotAlias) {
  // A chequerboard of single pixels is grey from afar.
  Image board(256, 256, 1);
  for (int y = 0; y < 256; ++y)
    for (int x = 0; x < 256; ++x) *board.at(y, x) = (x + y) % 2 ? 255 : 0;
  const Image small = prepare(board, square(50, 1));
  for (const uint8_t pixel : small.pixels) EXPECT_NEAR(pixel, 127.5, 6);
}

TEST(View, CoverCutsTheMiddleOut) {
  const Image image = sample_image(40, 100, 3);
  EXPECT_EQ(prepare(image, square(40)).at(7, 0)[1], image.at(7, 30)[1]);
  EXPECT_EQ(prepare(image, square(40)).at(39, 39)[0], image.at(39, 69)[0]);
}

TEST(View, MirroringTwiceAndFourQuarterTurnsAreExact) {
  const auto image = shared(sample_image(30, 30, 3));
  View view(image);
  std::swap(view.right, view.down);
  view.right = view.right * -1;  // now a quarter turn
  const Image turned = view.render();
  EXPECT_EQ(turned.at(0, 0)[0], image->at(29, 0)[0]);
  EXPECT_EQ(turned.at(0, 29)[0], image->at(0, 0)[0]);
  Rng rng;
  View flipped(image);
  RandomHorizontalFlip{1}(flipped, rng);
  const Image once = flipped.render();
  EXPECT_EQ(once.at(4, 0)[2], image->at(4, 29)[2]);
  RandomHorizontalFlip{1}(flipped, rng);
  EXPECT_EQ(flipped.render(), *image);
}

TEST(View, BeyondTheEdgesTheImageGoesOnAsInAMirror) {
  const auto image = shared(sample_image(10, 10, 1));
  View view(image);
  view.center.x -= 10;
  const Image left = view.render();
  for (int x = 0; x < 10; ++x) EXPECT_EQ(*left.at(3, x), *image->at(3, 9 - x));
}

TEST(View, FramesWithoutAreaOrOfAbsurdSizeAreRefused) {
  const auto image = shared(sample_image(10, 10, 1));
  View flat(image);
  flat.down = flat.right;
  EXPECT_NE(message_of<ShapeError>([&] { flat.render(); }).find("no area"), std::string::npos);
  for (const float factor : {1e9f, std::nanf(""), INFINITY}) {
    View huge(image);
    huge.right = huge.right * factor;
    huge.width = 11;
    EXPECT_THROW(huge.render(), ShapeError) << factor;
    View away(image);
    away.center.x += 1e6f * factor;
    EXPECT_THROW(away.render(), ShapeError) << factor;
  }
}

TEST(Transforms, TheSameStreamGivesTheSameImageAndOthersDiffer) {
  const auto image = shared(sample_image(120, 160, 3));
  const auto with = [&](uint64_t stream) {
    return prepare(image, square(48), standard(), Rng(3, stream));
  };
  EXPECT_EQ(with(1), with(1));
  EXPECT_NE(with(1), with(2));
}

TEST(Transforms, RandomResizedCropStaysInsideAndUsesItsRange) {
  const auto image = shared(Image(100, 200, 1));
  float narrowest = 1, widest = 0;
  for (uint64_t i = 0; i < 500; ++i) {
    View view(image);
    Rng rng(1, i);
    RandomResizedCrop{.side = {0.3f, 0.8f}}(view, rng);
    narrowest = std::min(narrowest, view.right.x / 100);
    widest = std::max(widest, view.right.x / 100);
    EXPECT_FLOAT_EQ(view.right.x, 2 * view.down.y);
    EXPECT_GE(view.center.x - view.right.x, -1e-3f);
    EXPECT_LE(view.center.x + view.right.x, 200.001f);
    EXPECT_GE(view.center.y - view.down.y, -1e-3f);
    EXPECT_LE(view.center.y + view.down.y, 100.001f);
  }
  EXPECT_NEAR(narrowest, 0.3f, 0.01f);
  EXPECT_NEAR(widest, 0.8f, 0.01f);
}

TEST(Transforms, RatioChangesTheAspectBothWays) {
  const auto image = shared(Image(100, 100, 1));
  float lowest = 9, highest = 0;
  for (uint64_t i = 0; i < 500; ++i) {
    View view(image);
    Rng rng(1, i);
    RandomResizedCrop{.side = {0.5f, 0.5f}, .ratio = {0.5f, 2}}(view, rng);
    const float aspect = view.right.x / view.down.y;
    lowest = std::min(lowest, aspect);
    highest = std::max(highest, aspect);
  }
  EXPECT_NEAR(lowest, 0.5f, 0.02f);
  EXPECT_NEAR(highest, 2, 0.05f);
}

TEST(Transforms, RotationKeepsMiddleAndSize) {
  const auto image = shared(Image(80, 60, 1));
  for (uint64_t i = 0; i < 50; ++i) {
    View view(image);
    Rng rng(1, i);
    RandomRotation{20}(view, rng);
    EXPECT_EQ(view.center, (Point{30, 40}));
    EXPECT_NEAR(std::hypot(view.right.x, view.right.y), 30, 1e-3);
    EXPECT_LE(std::abs(std::atan2(view.right.y, view.right.x)), 20.01 * 3.1416 / 180);
  }
}

TEST(Transforms, ColorsByTheirFormulas) {
  Image pixel(1, 1, 3);
  pixel.pixels = {200, 100, 60};
  const auto colored = [&](const ColorJitter& jitter, uint64_t stream) {
    View view(shared(pixel));
    Rng rng(1, stream);
    jitter(view, rng);
    return view.render().pixels;
  };
  for (uint64_t i = 0; i < 20; ++i) {
    const auto brighter = colored({.brightness = 0.2f}, i);
    EXPECT_NEAR(brighter[0] / 200.0, brighter[1] / 100.0, 0.01);
    const auto contrasted = colored({.contrast = 0.5f}, i);
    EXPECT_NEAR((contrasted[0] - 128) / 72.0, (contrasted[1] - 128) / -28.0, 0.04);
    const auto saturated = colored({.saturation = 0.5f}, i);
    const auto grey = [](const auto& p) { return 0.299 * p[0] + 0.587 * p[1] + 0.114 * p[2]; };
    EXPECT_NEAR(grey(saturated), grey(pixel.pixels), 1);
  }
  EXPECT_NE(colored({.brightness = 0.2f}, 1), colored({.brightness = 0.2f}, 2));
  EXPECT_EQ(colored({}, 1), pixel.pixels);
}

TEST(Transforms, PrepareGivesChannelsInTheOrderAskedFor) {
  Image pixel(1, 1, 3);
  pixel.pixels = {255, 0, 0};
  Preprocessing p = square(1);
  p.channel_order = "BGR";
  EXPECT_EQ(prepare(pixel, p).pixels, (std::vector<uint8_t>{0, 0, 255}));
  EXPECT_EQ(prepare(pixel, square(1, 1)).pixels, (std::vector<uint8_t>{76}));
}

TEST(Transforms, NormalizeIsExactForInt8) {
  Image pixels(1, 256, 1);
  for (size_t i = 0; i < 256; ++i) pixels.pixels[i] = static_cast<uint8_t>(i);
  std::vector<float> values(256);
  Normalize{}(pixels, values);
  for (size_t i = 0; i < 256; ++i) EXPECT_EQ(values[i] * 64, float(i) - 128);
  EXPECT_THROW(Normalize{}(pixels, std::span(values).first(9)), ShapeError);
}

TEST(Transforms, ALambdaIsATransform) {
  const Transforms augment = {[](View& view, Rng&) { view.color.rows[0][3] = 50; }};
  Image pixel(1, 1, 3);
  EXPECT_EQ(prepare(shared(pixel), square(1), augment, Rng()).pixels,
            (std::vector<uint8_t>{50, 0, 0}));
}

}  // namespace
}  // namespace tuco::data
