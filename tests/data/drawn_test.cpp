#include "tuco/data/drawn.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <set>
#include <string>

#include "tuco/data/raster.h"

namespace tuco::data {
namespace {

/// The sum of coverage of a white shape on black.
double area(const Path& path, int side = 64) {
  Canvas canvas(side, side);
  canvas.fill(path, Color{1, 1, 1});
  double sum = 0;
  canvas.each([&](Point, Color c) {
    sum += c.r;
    return c;
  });
  return sum;
}

TEST(Raster, CoverageIsTheAreaOfThePolygon) {
  EXPECT_NEAR(area({{10, 10}, {20, 10}, {20, 30}, {10, 30}}), 200, 1e-3);
  EXPECT_NEAR(area({{10.25f, 10.5f}, {20.75f, 10.5f}, {20.75f, 30.1f}, {10.25f, 30.1f}}),
              10.5 * 19.6, 1e-2);
  EXPECT_NEAR(area({{5, 5}, {60, 9}, {20, 55}}), 0.5 * (55 * 50 - 15 * 4), 0.3);
  EXPECT_NEAR(area({{20, 55}, {60, 9}, {5, 5}}), 0.5 * (55 * 50 - 15 * 4), 0.3);
}

TEST(Raster, WhatIsOutsideOfTheCanvasIsCutOff) {
  EXPECT_NEAR(area({{-100, -50}, {32, -50}, {32, 200}, {-100, 200}}), 32 * 64, 1e-2);
  EXPECT_NEAR(area({{32, -50}, {300, -50}, {300, 16}, {32, 16}}), 32 * 16, 1e-2);
  EXPECT_EQ(area({{-10, -10}, {-5, -10}, {-5, -5}}), 0);
  EXPECT_EQ(area({{70, 10}, {80, 10}, {80, 20}}), 0);
  EXPECT_EQ(area({}), 0);
}

TEST(Raster, EdgesAreSmooth) {
  Canvas canvas(4, 4);
  canvas.fill({{0, 0}, {1.5f, 0}, {1.5f, 4}, {0, 4}}, Color{200, 100, 0});
  const Image image = canvas.image();
  EXPECT_EQ(image.at(2, 0)[0], 200);
  EXPECT_EQ(image.at(2, 1)[0], 100);
  EXPECT_EQ(image.at(2, 2)[0], 0);
}

TEST(Raster, ShapesHaveTheirSizes) {
  constexpr double kPi = std::numbers::pi;
  EXPECT_NEAR(area(ellipse({32, 32}, 20, 10, 0.7f)), kPi * 200, 8);
  EXPECT_NEAR(area(stroke({{10, 32}, {50, 32}}, 6, 6)), 240, 25);
  // A curve through eight points of a circle nearly is one.
  Path corners;
  for (int i = 0; i < 8; ++i)
    corners.push_back(
        {32 + 20 * std::cos(float(i) * 0.7853982f), 32 + 20 * std::sin(float(i) * 0.7853982f)});
  EXPECT_NEAR(area(smooth(corners)), kPi * 400, 20);
  Rng rng(1);
  EXPECT_NEAR(area(furry(ellipse({32, 32}, 20, 20), 3, 1, rng)), kPi * 400, 80);
}

TEST(Raster, PlacementsNest) {
  const Placement inner = Placement::at({1, 2}, 3, 0.5f), outer = Placement::at({4, 5}, 2, -1);
  const Point p{0.3f, -0.7f}, once = inner.in(outer)(p), twice = outer(inner(p));
  EXPECT_NEAR(once.x, twice.x, 1e-5);
  EXPECT_NEAR(once.y, twice.y, 1e-5);
}

TEST(Raster, BlurKeepsTheSum) {
  Canvas canvas(32, 32);
  canvas.fill({{14, 14}, {18, 14}, {18, 18}, {14, 18}}, Color{90, 90, 90});
  canvas.blur(1.5f);
  double sum = 0;
  canvas.each([&](Point, Color c) {
    sum += c.g;
    return c;
  });
  EXPECT_NEAR(sum, 16 * 90, 0.5);
  EXPECT_LT(canvas.image().at(16, 16)[1], 60);
}

TEST(DrawnPets, EveryPictureIsAFunctionOfItsStreamAndNoneIsTheSame) {
  std::set<std::string> seen;
  for (uint64_t i = 0; i < 40; ++i)
    for (const bool dog : {false, true}) {
      const Image image = draw_pet(dog, 48, Rng(5).split(i));
      ASSERT_EQ(image.height, 48);
      ASSERT_EQ(image.channels, 3);
      EXPECT_EQ(image, draw_pet(dog, 48, Rng(5).split(i)));
      EXPECT_TRUE(seen.emplace(image.pixels.begin(), image.pixels.end()).second) << i << ' ' << dog;
    }
}

TEST(DrawnPets, CatsAndDogsCannotBeToldByTheirColours) {
  // The best threshold on the mean of any channel must stay near chance.
  constexpr int kEach = 150;
  std::vector<std::pair<double, bool>> means[3];
  for (int i = 0; i < 2 * kEach; ++i) {
    const Image image = draw_pet(i % 2, 32, Rng(9).split(uint64_t(i)));
    for (size_t c = 0; c < 3; ++c) {
      double sum = 0;
      for (size_t p = c; p < image.pixels.size(); p += 3) sum += image.pixels[p];
      means[c].push_back({sum, i % 2});
    }
  }
  for (auto& channel : means) {
    std::sort(channel.begin(), channel.end());
    int dogs = 0, best = 0;
    for (int i = 0; i < 2 * kEach; ++i) {
      dogs += channel[size_t(i)].second;
      best = std::max(best, std::abs(2 * dogs - (i + 1)));
    }
    EXPECT_LT(0.5 + double(best) / (2 * kEach), 0.65);
  }
}

}  // namespace
}  // namespace tuco::data
