#include "tuco/core/rng.h"

#include <gtest/gtest.h>

#include <cmath>

namespace tuco {
namespace {

// The known answers of Random123's kat_vectors for philox4x32-10: the counter is (index, stream).
TEST(Philox, KnownAnswers) {
  EXPECT_EQ(philox::block(0, 0, 0),
            (philox::Block{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox::block(~uint64_t{0}, ~uint64_t{0}, ~uint64_t{0}),
            (philox::Block{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox::block(0x299f31d0a4093822, 0x0370734413198a2e, 0x85a308d3243f6a88),
            (philox::Block{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Rng, SameSeedSameNumbersAndSplitsDiffer) {
  Rng a(7), b(7), c = a.split(1), d = a.split(2);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(a.bits(), b.bits());
  EXPECT_NE(c.bits(), d.bits());
}

TEST(Rng, MomentsOfUniformAndNormal) {
  Rng rng(3);
  const int n = 100000;
  double uniform = 0, mean = 0, square = 0;
  for (int i = 0; i < n; ++i) {
    uniform += rng.uniform();
    const double x = rng.normal();
    mean += x;
    square += x * x;
  }
  EXPECT_NEAR(uniform / n, 0.5, 0.005);
  EXPECT_NEAR(mean / n, 0, 0.015);
  EXPECT_NEAR(square / n, 1, 0.02);
}

TEST(Rng, BelowCoversItsRangeEvenly) {
  Rng rng(1);
  int counts[3] = {};
  for (int i = 0; i < 30000; ++i) ++counts[rng.below(3)];
  for (const int count : counts) EXPECT_NEAR(count, 10000, 400);
}

TEST(Rng, ReserveStartsAtAWholeBlock) {
  Rng rng(1);
  rng.bits();
  EXPECT_EQ(rng.reserve(5), 1u);
  EXPECT_EQ(rng.position(), 12u);
}

}  // namespace
}  // namespace tuco
