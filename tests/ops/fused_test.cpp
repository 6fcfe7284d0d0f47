// The fused products and convolutions equal what they lower into, pass NaN on, and refuse inputs that
// do not fit their attributes.
#include <gtest/gtest.h>

#include "tests/ops/op_checks.h"
#include "tuco/autograd/functions.h"
#include "tuco/autograd/run_op.h"
#include "tuco/core/error.h"

namespace tuco::test {
namespace {

Tensor ramp(const Shape& shape, uint64_t seed) { return spread(shape, seed).to(DType::float32); }

TEST(Fused, ConvolutionEqualsItsParts) {
  const Tensor images = ramp({2, 7, 9, 5}, 1), weight = ramp({18, 3, 3, 5}, 2),
               bias = ramp({18}, 3), addend = ramp({2, 4, 5, 18}, 4);
  const op::Conv2d options{.stride = 2, .padding = 1};
  const Tensor plain = conv2d(images, weight, bias, options);
  expect_close(conv2d_relu(images, weight, bias, options), relu(plain), 1e-6, "relu");
  expect_close(conv2d_relu(images, weight, bias, options, {}, 6), relu6(plain), 1e-6, "relu6");
  expect_close(conv2d_relu(images, weight, bias, options, addend), relu(plain + addend), 1e-6,
               "add and relu");
  expect_close(conv2d_relu(images, weight, {}, options, addend),
               relu(conv2d(images, weight, {}, options) + addend), 1e-6, "without a bias");
}

TEST(Fused, LinearEqualsItsParts) {
  const Tensor x = ramp({3, 70}, 1), weight = ramp({50, 70}, 2), bias = ramp({50}, 3);
  expect_close(linear_relu(x, weight, bias), relu(linear(x, weight, bias)), 1e-6, "relu");
  expect_close(linear_relu(x, weight, {}, 6), relu6(linear(x, weight)), 1e-6, "relu6");
}

// A tracer sees canonical ops only.
TEST(Fused, LowersIntoCanonicalOps) {
  struct Names : Tracer {
    std::vector<std::string> seen;
    void record(const op::Any& op, Inputs, const Outputs&) override { seen.push_back(name(op)); }
  } names;
  const Tensor images = ramp({1, 4, 4, 3}, 1), weight = ramp({6, 3, 3, 3}, 2), bias = ramp({6}, 3);
  {
    TracerScope scope(&names);
    conv2d_relu(images, weight, bias, {.padding = 1}, ramp({1, 4, 4, 6}, 4));
    conv2d_relu(images, weight, bias, {}, {}, 6);
    linear_relu(ramp({2, 3}, 1), ramp({4, 3}, 2));
  }
  std::erase_if(names.seen, [](const std::string& s) { return s == "cast"; });
  EXPECT_EQ(names.seen, (std::vector<std::string>{"conv2d", "add", "relu", "conv2d", "clamp",
                                                  "linear", "relu"}));
}

TEST(Fused, PassNanOn) {
  const Tensor weight = ramp({20, 3, 3, 4}, 2);
  for (const DType dtype : {DType::float32, DType::float64}) {
    const Tensor images = full({1, 5, 5, 4}, NAN, {dtype});
    for (const double v : conv2d_relu(images, weight.to(dtype), {}, {}, {}, 6)
                              .to(DType::float64)
                              .to_vector<double>())
      EXPECT_TRUE(std::isnan(v));
    const Tensor y = linear_relu(full({1, 4}, NAN, {dtype}), ramp({20, 4}, 1).to(dtype));
    for (const double v : y.to(DType::float64).to_vector<double>()) EXPECT_TRUE(std::isnan(v));
  }
}

TEST(Fused, RefuseWhatDoesNotFit) {
  const Tensor images = ramp({1, 4, 4, 3}, 1), weight = ramp({6, 3, 3, 3}, 2);
  EXPECT_THROW(conv2d_relu(images, weight, ramp({5}, 1)), ShapeError);
  EXPECT_THROW(conv2d_relu(images, weight, {}, {}, ramp({1, 4, 4, 6}, 1)), ShapeError);
  EXPECT_THROW(run_op(op::FusedConv2d{{}, true}, std::vector{images, weight}), ShapeError);
  EXPECT_THROW(run_op(op::FusedLinear{}, std::vector{weight, weight, weight}), ShapeError);
  EXPECT_THROW(linear_relu(ramp({2, 3}, 1), ramp({4, 3}, 2), ramp({3}, 1)), ShapeError);
}

}  // namespace
}  // namespace tuco::test
