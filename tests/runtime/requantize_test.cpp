// Multipliers, requantization and the fixed-point functions against definitions and known values.
#include "tuco/deploy/runtime/requantize.h"

#include <gtest/gtest.h>

#include <limits>

#include "tests/runtime/naive.h"
#include "tuco/core/error.h"
#include "tuco/deploy/runtime/fixed_point.h"
#include "tuco/deploy/runtime/logistic.h"
#include "tuco/deploy/runtime/softmax.h"
#include "tuco/deploy/runtime/tanh.h"

namespace tuco::deploy {
namespace {

constexpr int32_t kMin = std::numeric_limits<int32_t>::min();
constexpr int32_t kMax = std::numeric_limits<int32_t>::max();

// The values of TFLite's own tests of QuantizeMultiplier, and the edges of its range.
TEST(Multiplier, KnownValues) {
  EXPECT_EQ(quantize_multiplier(0.25), (Multiplier{1 << 30, -1}));
  EXPECT_EQ(quantize_multiplier(0.5 - 5e-9), (Multiplier{2147483627, -1}));
  EXPECT_EQ(quantize_multiplier(0.5 - 1e-10), (Multiplier{1 << 30, 0}));
  EXPECT_EQ(quantize_multiplier(0.5), (Multiplier{1 << 30, 0}));
  EXPECT_EQ(quantize_multiplier(1.0), (Multiplier{1 << 30, 1}));
  EXPECT_EQ(quantize_multiplier(1.25), (Multiplier{1342177280, 1}));
  EXPECT_EQ(quantize_multiplier(2.0), (Multiplier{1 << 30, 2}));
  EXPECT_EQ(quantize_multiplier(0), (Multiplier{0, 0}));
  EXPECT_EQ(quantize_multiplier(std::ldexp(1.0, -32)), (Multiplier{1 << 30, -31}));
  EXPECT_EQ(quantize_multiplier(std::ldexp(0.99, -32)), (Multiplier{0, 0}));
  EXPECT_EQ(quantize_multiplier(std::ldexp(1.0, 31), Rounding::kSingle), (Multiplier{kMax, 30}));
}

TEST(Multiplier, RefusesWhatIsNoFactor) {
  EXPECT_THROW(quantize_multiplier(-0.5), Error);
  EXPECT_THROW(quantize_multiplier(std::numeric_limits<double>::infinity()), Error);
  EXPECT_THROW(quantize_multiplier(std::nan("")), Error);
  EXPECT_THROW(quantize_multiplier(1e30), Error);
  EXPECT_THROW(mean_multiplier({1 << 30, 0}, 0), Error);
  EXPECT_THROW(softmax_scaling(1e-9f), Error);
}

TEST(Multiplier, IsTheFactorToHalfAUnit) {
  naive::Draw draw(1);
  for (int i = 0; i < 10000; i++) {
    const auto factor = static_cast<double>(draw.scale(1e-9, 1e6));
    const Multiplier m = quantize_multiplier(factor);
    EXPECT_GE(m.value, 1 << 30);
    EXPECT_NEAR(std::ldexp(m.value, m.shift - 31), factor, factor * std::ldexp(1.0, -31));
  }
}

// TFLite multiplies in double, and from the left; in float32 the last bits are others.
TEST(Multiplier, TheOrderOfOperationsCounts) {
  int differ = 0;
  naive::Draw draw(2);
  for (int i = 0; i < 200; i++) {
    const float a = draw.scale(1e-3, 1), b = draw.scale(1e-3, 1), c = draw.scale(1e-3, 1);
    differ += quantize_multiplier(product_factor(a, b, c)) !=
              quantize_multiplier(static_cast<double>(a * b) / static_cast<double>(c));
  }
  EXPECT_GT(differ, 100);
}

TEST(Requantize, TiesGoAsInTflite) {
  EXPECT_EQ(tuco_rounded_shift(5, 1), 3);
  EXPECT_EQ(tuco_rounded_shift(-5, 1), -3);
  EXPECT_EQ(tuco_rounded_shift(6, 2), 2);
  EXPECT_EQ(tuco_rounded_shift(-6, 2), -2);
  EXPECT_EQ(tuco_high_product(1, 1 << 30), 1);
  EXPECT_EQ(tuco_high_product(-1, 1 << 30), 0);
  // -3 * 0.25: once rounded -0.75 gives -1; twice -1.5 gives -1, then -0.5 gives -1.
  EXPECT_EQ(tuco_scaled(-3, 1 << 30, -1, TUCO_DOUBLE_ROUNDING), -1);
  // -2 * 0.25 = -0.5: ties away in the second rounding, up in the single one.
  EXPECT_EQ(tuco_scaled(-2, 1 << 30, -1, TUCO_DOUBLE_ROUNDING), -1);
  EXPECT_EQ(tuco_scaled(-2, 1 << 30, -1, TUCO_SINGLE_ROUNDING), 0);
}

TEST(Requantize, EqualsItsDefinitionOverTheWholeRange) {
  naive::Draw draw(3);
  for (int i = 0; i < 300000; i++) {
    const int bits = draw.between(0, 31);
    const int32_t x = draw.between(kMin, kMax) >> bits;
    const int32_t multiplier = draw.between(0, 5) == 0 ? 1 << 30 : draw.between(1 << 30, kMax);
    const int32_t shift = draw.between(-31, bits - 1);
    ASSERT_EQ(tuco_scaled(x, multiplier, shift, TUCO_SINGLE_ROUNDING),
              naive::scaled(x, multiplier, shift, TUCO_SINGLE_ROUNDING))
        << x << ' ' << multiplier << ' ' << shift;
    ASSERT_EQ(tuco_scaled(x, multiplier, shift, TUCO_DOUBLE_ROUNDING),
              naive::scaled(x, multiplier, shift, TUCO_DOUBLE_ROUNDING))
        << x << ' ' << multiplier << ' ' << shift;
  }
  for (int32_t x : {kMin + 1, kMax, -1, 0, 1})
    for (int32_t n : {0, 1, 30, 31})
      EXPECT_EQ(tuco_rounded_shift(x, n), static_cast<int32_t>(naive::round_ties_away(x, n)));
}

TEST(FixedPoint, ExponentialAndReciprocalAreNearTheReal) {
  const double one = std::ldexp(1.0, 31);
  for (int32_t bits : {4, 5})
    for (int64_t x = 0; x >= kMin; x -= 1048573) {
      const double real = std::exp(std::ldexp(static_cast<double>(x), bits - 31));
      ASSERT_NEAR(tuco_exp(static_cast<int32_t>(x), bits) / one, real, 3e-7) << x;
    }
  for (int64_t x = 0; x <= kMax; x += 1048573)
    ASSERT_NEAR(tuco_reciprocal(static_cast<int32_t>(x)) / one,
                1 / (1 + static_cast<double>(x) / one), 4e-9);
}

TEST(FixedPoint, SaturatingShift) {
  EXPECT_EQ(tuco_saturating_shift(5, 2), 20);
  EXPECT_EQ(tuco_saturating_shift(-5, 2), -20);
  EXPECT_EQ(tuco_saturating_shift(1 << 29, 2), kMax);
  EXPECT_EQ(tuco_saturating_shift(-(1 << 29) - 1, 2), kMin);
}

TEST(RuntimeKernels, LogisticAndTanhAreNearTheReal) {
  std::vector<int8_t> in(256), out(256);
  for (int32_t i = 0; i < 256; i++) in[static_cast<size_t>(i)] = static_cast<int8_t>(i - 128);
  for (const float scale : {0.002f, 0.03f, 0.1f, 0.6f})
    for (const int32_t zero_point : {-128, -1, 0, 60, 127}) {
      const SigmoidScaling s = sigmoid_scaling(scale);
      tuco_logistic(out.data(), in.data(), 256, zero_point, s.multiplier.value, s.multiplier.shift,
                    s.radius, TUCO_DOUBLE_ROUNDING);
      for (size_t i = 0; i < 256; i++) {
        const double x = static_cast<double>(scale) * (in[i] - zero_point);
        ASSERT_NEAR(out[i] + 128, std::min(256 / (1 + std::exp(-x)), 255.0), 0.51);
      }
      tuco_tanh(out.data(), in.data(), 256, zero_point, s.multiplier.value, s.multiplier.shift,
                s.radius, TUCO_DOUBLE_ROUNDING);
      for (size_t i = 0; i < 256; i++) {
        const double x = static_cast<double>(scale) * (in[i] - zero_point);
        ASSERT_NEAR(out[i], std::min(128 * std::tanh(x), 127.0), 0.51);
      }
    }
}

TEST(RuntimeKernels, SoftmaxIsNearTheRealInPlace) {
  for (unsigned seed = 0; seed < 200; seed++) {
    naive::Draw draw(seed);
    const int32_t rows = draw.between(1, 3), depth = draw.between(1, 1000);
    const float scale = draw.scale(1e-3, 0.5);
    const Rounding rounding = draw.between(0, 1) ? Rounding::kSingle : Rounding::kDouble;
    const SoftmaxScaling s = softmax_scaling(scale, 1, rounding);
    auto data = draw.int8s(static_cast<size_t>(rows * depth));
    std::vector<double> real;
    for (int32_t row = 0; row < rows; row++) {
      double sum = 0;
      const auto at = [&](int32_t i) { return data[static_cast<size_t>(row * depth + i)]; };
      for (int32_t i = 0; i < depth; i++) sum += std::exp(static_cast<double>(scale) * at(i));
      for (int32_t i = 0; i < depth; i++)
        real.push_back(std::min(256 * std::exp(static_cast<double>(scale) * at(i)) / sum, 255.0));
    }
    tuco_softmax(data.data(), data.data(), rows, depth, s.multiplier.value, s.multiplier.shift,
                 s.smallest, static_cast<int32_t>(rounding));
    for (size_t i = 0; i < data.size(); i++) ASSERT_NEAR(data[i] + 128, real[i], 0.52) << seed;
  }
}

}  // namespace
}  // namespace tuco::deploy
