#include "tuco/layers/losses.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/temporary_folder.h"
#include "tuco/autograd/functions.h"
#include "tuco/core/error.h"
#include "tuco/core/safetensors.h"
#include "tuco/layers/mixup.h"

namespace tuco {
namespace {

using test::message_of;

class FrozenLosses : public testing::Test {
 protected:
  Tensor frozen(const std::string& name) const {
    const Tensor* found = file_.find(name);
    if (!found) throw Error("no " + name);
    return *found;
  }

  template <class Loss>
  void expect(const std::string& name, Loss&& loss) const {
    Tensor logits = frozen("logits").clone().requires_grad_();
    const Tensor value = loss(logits);
    EXPECT_EQ(value.shape(), Shape());
    EXPECT_NEAR(value.item<double>(), frozen(name).item<double>(), 1e-12) << name;
    value.backward();
    const auto gradient = logits.grad().to_vector<double>();
    const auto expected = frozen(name + ".grad").to_vector<double>();
    for (size_t i = 0; i < expected.size(); ++i)
      EXPECT_NEAR(gradient[i], expected[i], 1e-12) << name << ", element " << i;
  }

 private:
  Safetensors file_ = load_safetensors(TUCO_SOURCE_DIR "/tests/golden/losses.safetensors");
};

TEST_F(FrozenLosses, AreThoseOfPyTorch) {
  for (const double smoothing : {0.0, 0.1}) {
    const CrossEntropyOptions options{.label_smoothing = smoothing};
    for (const std::string targets : {"labels", "soft"})
      expect(fmt::format("{}.{:.1f}", targets, smoothing),
             [&](const Tensor& x) { return cross_entropy(x, frozen(targets), options); });
  }
  expect("mse", [&](const Tensor& x) { return mse_loss(x, frozen("target")); });
}

TEST(CrossEntropy, RefusesWhatDoesNotFit) {
  const Tensor logits = zeros({2, 3});
  const auto labels = [](std::vector<int64_t> values) {
    const auto n = static_cast<int64_t>(values.size());
    return from_values(values, {n});
  };
  EXPECT_EQ(message_of<ShapeError>([&] {
              cross_entropy(logits, labels({0, 3}));
            }),
            "cross_entropy: label 3 of sample 1 is outside [0, 3)");
  EXPECT_THROW(cross_entropy(logits, labels({-1, 0})), ShapeError);
  EXPECT_THROW(cross_entropy(logits, labels({0, 1, 2})), ShapeError);
  EXPECT_THROW(cross_entropy(zeros({2, 3, 1}), labels({0, 1})), ShapeError);
  EXPECT_THROW(cross_entropy(logits, zeros({2}, {DType::int32})), DTypeError);
  EXPECT_THROW(cross_entropy(logits, zeros({2, 4})), ShapeError);
  EXPECT_THROW(cross_entropy(logits, labels({0, 1}), {.label_smoothing = 1}), Error);
  EXPECT_THROW(mse_loss(logits, zeros({3})), ShapeError);
}

TEST(CrossEntropy, StaysFiniteForLargeLogits) {
  const Tensor logits = from_values<float>({1e4f, -1e4f}, {1, 2});
  EXPECT_EQ(cross_entropy(logits, from_values<int64_t>({0}, {1})).item(), 0);
  EXPECT_EQ(cross_entropy(logits, from_values<int64_t>({1}, {1})).item(), 2e4f);
}

TEST(CountCorrect, CountsTheLargest) {
  const Tensor logits = from_values<float>({1, 2, 5, 0, 3, 3}, {3, 2});
  EXPECT_EQ(count_correct(logits, from_values<int64_t>({1, 0, 0}, {3})), 3);
  EXPECT_EQ(count_correct(logits, from_values<int64_t>({0, 1, 1}, {3})), 0);
}

TEST(Mixup, SamplesHaveTheMomentsOfTheirDistributions) {
  Rng rng(8);
  constexpr int kDraws = 20000;
  for (const double shape : {0.3, 1.0, 4.5}) {
    double sum = 0, square = 0;
    for (int i = 0; i < kDraws; ++i) {
      const double x = std::exp(sample_log_gamma(rng, shape));
      sum += x, square += x * x;
    }
    const double mean = sum / kDraws, variance = square / kDraws - mean * mean;
    EXPECT_NEAR(mean, shape, 5 * std::sqrt(shape / kDraws));
    EXPECT_NEAR(variance, shape, 0.15 * shape + 0.02);
  }
  for (const auto& [a, b] : {std::pair{0.4, 0.4}, {2.0, 5.0}, {0.001, 0.001}}) {
    double sum = 0, square = 0;
    for (int i = 0; i < kDraws; ++i) {
      const double x = sample_beta(rng, a, b);
      ASSERT_TRUE(x >= 0 && x <= 1);
      sum += x, square += x * x;
    }
    const double mean = sum / kDraws;
    EXPECT_NEAR(mean, a / (a + b), 0.02);
    EXPECT_NEAR(square / kDraws - mean * mean, a * b / ((a + b) * (a + b) * (a + b + 1)), 0.01);
  }
  EXPECT_THROW(sample_log_gamma(rng, 0), Error);
}

TEST(Mixup, MixesImagesAndTargetsAlike) {
  // A sample is its label everywhere, so the image tells which two labels were mixed.
  const Tensor labels = from_values<int64_t>({0, 1, 2, 3, 4}, {5});
  const Tensor images = expand(reshape(labels.to(DType::float32), {5, 1, 1, 1}), {5, 2, 2, 1});
  Rng rng(3);
  const MixedBatch batch = mixup(images, labels, 5, 0.4, rng);
  EXPECT_EQ(batch.images.shape(), images.shape());
  EXPECT_TRUE(batch.share > 0 && batch.share < 1);
  const auto targets = batch.targets.to_vector<float>();
  const auto pixels = batch.images.to_vector<float>();
  for (size_t i = 0; i < 5; ++i) {
    float total = 0, expected = 0;
    for (size_t c = 0; c < 5; ++c) {
      total += targets[i * 5 + c];
      expected += targets[i * 5 + c] * static_cast<float>(c);
    }
    EXPECT_NEAR(total, 1, 1e-6);
    EXPECT_GE(targets[i * 5 + i], batch.share - 1e-6);
    EXPECT_NEAR(pixels[i * 4], expected, 1e-5);
  }
  Rng again(3);
  EXPECT_EQ(mixup(images, labels, 5, 0.4, again).images.to_vector<float>(), pixels);
  EXPECT_THROW(mixup(images, labels, 4, 0.4, rng), ShapeError);
  EXPECT_THROW(mixup(images, labels, 5, 0, rng), Error);
  EXPECT_GT(cross_entropy(randn({5, 5}), batch.targets).item(), 0);
}

}  // namespace
}  // namespace tuco
