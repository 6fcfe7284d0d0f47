#include "tuco/layers/cutout.h"

#include <gtest/gtest.h>

#include <set>

#include "tuco/core/error.h"

namespace tuco {
namespace {

TEST(Cutout, HidesOneSquareOfEachImageInAllChannels) {
  constexpr int64_t kImages = 50, kHeight = 20, kWidth = 30, kChannels = 3;
  Rng rng(3);
  const Tensor images = ones({kImages, kHeight, kWidth, kChannels});
  const auto values = cutout(images, rng).to_vector<float>();
  EXPECT_EQ(images.to_vector<float>(), std::vector<float>(values.size(), 1.0f));
  std::set<std::pair<int64_t, int64_t>> corners;
  for (int64_t i = 0; i < kImages; ++i) {
    int64_t top = kHeight, bottom = -1, left = kWidth, right = -1, hidden = 0;
    for (int64_t y = 0; y < kHeight; ++y)
      for (int64_t x = 0; x < kWidth; ++x) {
        const float* pixel =
            &values[static_cast<size_t>(((i * kHeight + y) * kWidth + x) * kChannels)];
        ASSERT_EQ(pixel[0], pixel[1]);
        ASSERT_EQ(pixel[0], pixel[2]);
        if (pixel[0] != 0) continue;
        top = std::min(top, y), bottom = std::max(bottom, y);
        left = std::min(left, x), right = std::max(right, x);
        ++hidden;
      }
    const int64_t side = bottom - top + 1;
    EXPECT_EQ(side, right - left + 1);
    EXPECT_EQ(hidden, side * side) << "image " << i;
    EXPECT_GE(side, 4);
    EXPECT_LE(side, 9);
    corners.insert({top, left});
  }
  EXPECT_GT(corners.size(), 25u);
}

TEST(Cutout, TakesTheWholeRangeOfSidesAndRefusesOthers) {
  Rng rng(1);
  const Tensor images = ones({2, 4, 4, 1});
  EXPECT_EQ(cutout(images, rng, {.least = 0, .most = 0}).to_vector<float>(),
            std::vector<float>(32, 1.0f));
  EXPECT_EQ(cutout(images, rng, {.least = 1, .most = 1}).to_vector<float>(),
            std::vector<float>(32, 0.0f));
  EXPECT_EQ(cutout(ones({0, 4, 4, 1}), rng).shape(), Shape({0, 4, 4, 1}));
  EXPECT_THROW(cutout(images, rng, {.least = 0.5, .most = 0.4}), Error);
  EXPECT_THROW(cutout(images, rng, {.least = 0.5, .most = 1.4}), Error);
  EXPECT_THROW(cutout(ones({4, 4, 1}), rng), ShapeError);
}

}  // namespace
}  // namespace tuco
