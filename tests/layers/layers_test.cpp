// Every layer through the probe, and what is special about each.
#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/test_layer.h"
#include "tuco/autograd/functions.h"
#include "tuco/autograd/grad_mode.h"
#include "tuco/core/error.h"
#include "tuco/core/rng.h"
#include "tuco/layers/activation.h"
#include "tuco/layers/batch_norm.h"
#include "tuco/layers/conv2d.h"
#include "tuco/layers/dropout.h"
#include "tuco/layers/flatten.h"
#include "tuco/layers/init.h"
#include "tuco/layers/linear.h"
#include "tuco/layers/pool2d.h"
#include "tuco/layers/residual.h"
#include "tuco/layers/sequential.h"
#include "tuco/layers/upsample.h"

namespace tuco {
namespace {

using test::test_layer;

TEST(Layers, EachHoldsToTheRules) {
  const Shape images = {3, 6, 5, 4};
  test_layer(Conv2d{{.in = 4, .out = 6, .kernel = 3, .padding = 1}}, images);
  test_layer(Conv2d{{.in = 4,
                     .out = 6,
                     .kernel = {3, 2},
                     .stride = {2, 1},
                     .padding = {1, 0, 2, 1},
                     .bias = false}},
             images);
  test_layer(
      Conv2d{{.in = 4, .out = 4, .kernel = 3, .padding = Same{}, .dilation = 2, .groups = 4}},
      images);
  test_layer(Linear{{.in = 4, .out = 3}}, {5, 4});
  test_layer(Linear{{.in = 4, .out = 3, .bias = false}}, {2, 3, 4});
  test_layer(BatchNorm{4}, images);
  test_layer(BatchNorm{{.channels = 4, .momentum = 0.3, .eps = 1e-3}}, {7, 4});
  test_layer(ReLU{}, images);
  test_layer(ReLU6{}, images);
  test_layer(LeakyReLU{0.2}, images);
  test_layer(ELU{}, images);
  test_layer(PReLU{}, images);
  test_layer(PReLU{{.channels = 4, .slope = -0.5}}, images);
  test_layer(HardSwish{}, images);
  test_layer(Tanh{}, images);
  test_layer(Sigmoid{}, images);
  test_layer(Softmax{}, {4, 5});
  test_layer(MaxPool2d{2}, images);
  test_layer(MaxPool2d{{.kernel = 3, .stride = 2, .padding = 1, .ceil_mode = true}}, images);
  test_layer(AvgPool2d{2}, images);
  test_layer(AvgPool2d{{.kernel = {3, 2}, .stride = 1, .padding = 1}}, images);
  test_layer(GlobalMaxPool{}, images);
  test_layer(GlobalAvgPool{}, images);
  test_layer(Upsample{2}, images);
  test_layer(Upsample{{.factor = {1, 3}, .half_pixel_centers = true}}, images);
  test_layer(Flatten{}, images);
  test_layer(Identity{}, images);
  test_layer(Dropout{0.4}, images);
  test_layer(Residual{Conv2d{{.in = 4, .out = 4, .kernel = 3, .padding = 1}}}, images);
  test_layer(Residual{{.body = Conv2d{{.in = 4, .out = 2}},
                       .shortcut = Conv2d{{.in = 4, .out = 2}},
                       .relu = false}},
             images);
  test_layer(Sequential{Conv2d{{.in = 4, .out = 6, .kernel = 3}}, BatchNorm{6}, ReLU{},
                        MaxPool2d{2}, Flatten{}, Linear{{.in = 12, .out = 3}}},
             images);
}

TEST(Conv2d, SamePaddingFollowsTheSize) {
  const Conv2d conv{{.in = 1, .out = 1, .kernel = {3, 4}, .stride = 2, .padding = Same{}}};
  EXPECT_EQ(conv(ones({1, 5, 5, 1})).shape(), Shape({1, 3, 3, 1}));
  EXPECT_EQ(conv(ones({1, 6, 7, 1})).shape(), Shape({1, 3, 4, 1}));
  // 6 rows: (3 - 1) * 2 + 3 - 6 = 1, and what is odd goes below.
  const Padding padding = conv->attributes({1, 6, 7, 1}).padding;
  EXPECT_EQ(padding, Padding(0, 1, 1, 2));
}

TEST(Upsample, RepeatsPixels) {
  const Tensor x = from_values<float>({1, 2, 3, 4, 5, 6}, {1, 2, 3, 1});
  const Upsample wider{{.factor = {1, 2}}};
  EXPECT_EQ(wider(x).to_vector<float>(), std::vector<float>({1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6}));
  EXPECT_EQ(Upsample{2}(x).shape(), Shape({1, 4, 6, 1}));
  EXPECT_EQ(Upsample{2}.to_string().find("Upsample(2)"), 0u) << Upsample{2}.to_string();
  EXPECT_THROW(Upsample{Hw(0)}, ShapeError);
  EXPECT_THROW(Upsample{2}(ones({2, 3})), ShapeError);
}

TEST(BatchNorm, RunningStatisticsAreMovingAverages) {
  const BatchNorm norm{{.channels = 1, .momentum = 0.25}};
  norm(from_values<float>({1, 2, 3, 6}, {4, 1}));  // mean 3, unbiased variance 14/3
  EXPECT_FLOAT_EQ(norm->running_mean->item(), 0.75f);
  EXPECT_FLOAT_EQ(norm->running_var->item(), static_cast<float>(0.75 + 0.25 * 14 / 3));
  EXPECT_THROW(norm(ones({1, 1})), ShapeError);
  norm.eval();
  const float before = norm->running_mean->item();
  EXPECT_NEAR(norm(full({1, 1}, 0.75)).item(), 0, 1e-6);
  EXPECT_EQ(norm->running_mean->item(), before);
}

TEST(Dropout, KeepsTheMeanAndDropsTheShare) {
  manual_seed(3);
  const Tensor y = Dropout{0.25}(ones({100000}));
  int64_t zero = 0;
  for (const float value : y.to_vector<float>()) {
    zero += value == 0;
    ASSERT_TRUE(value == 0 || value == 1 / 0.75f);
  }
  EXPECT_NEAR(static_cast<double>(zero) / 1e5, 0.25, 0.007);  // five deviations
}

/// Mean and deviation of a tensor's values.
std::pair<double, double> moments(const Tensor& tensor) {
  double mean = 0, square = 0;
  const auto values = tensor.to_vector<float>();
  for (const float v : values) mean += v, square += static_cast<double>(v) * v;
  mean /= static_cast<double>(values.size());
  return {mean, std::sqrt(square / static_cast<double>(values.size()) - mean * mean)};
}

TEST(Init, DeviationsFollowTheFans) {
  Rng rng(9);
  Tensor weight = empty({64, 5, 5, 32});
  EXPECT_EQ(fan_of(weight.shape(), Fan::in), 800);
  EXPECT_EQ(fan_of(weight.shape(), Fan::out), 1600);
  EXPECT_EQ(fan_of({32, 3, 3, 1}, Fan::out, 32), 9);
  EXPECT_THROW(fan_of({4}, Fan::in), ShapeError);
  const auto expect = [&](double deviation) {
    const auto [mean, found] = moments(weight);
    EXPECT_NEAR(mean, 0, deviation * 0.02);
    EXPECT_NEAR(found, deviation, deviation * 0.02);
  };
  kaiming_normal_(weight, {.fan = Fan::out}, rng);
  expect(std::sqrt(2.0 / 1600));
  kaiming_uniform_(weight, {.negative_slope = 1}, rng);
  expect(std::sqrt(1.0 / 800));
  EXPECT_LE(max(abs(weight)).item(), std::sqrt(3.0 / 800));
  xavier_normal_(weight, 2, rng);
  expect(2 * std::sqrt(2.0 / 2400));
  xavier_uniform_(weight, 1, rng);
  expect(std::sqrt(2.0 / 2400));
  EXPECT_LE(max(abs(weight)).item(), std::sqrt(6.0 / 2400));
  normal_(weight, 1, 0.5, rng);
  EXPECT_NEAR(moments(weight).first, 1, 0.02);
}

TEST(Init, TakesAGivenGeneratorOrTheProgramsOwn) {
  Tensor a = empty({8, 8}), b = empty({8, 8});
  Rng rng(4);
  const Rng start = rng;
  kaiming_normal_(a, {}, rng);
  EXPECT_NE(rng.position(), start.position());
  rng = start;
  kaiming_normal_(b, {}, rng);
  EXPECT_EQ(a.to_vector<float>(), b.to_vector<float>());
  manual_seed(4);
  kaiming_normal_(a);
  kaiming_normal_(b);
  EXPECT_NE(a.to_vector<float>(), b.to_vector<float>());
}

}  // namespace
}  // namespace tuco
