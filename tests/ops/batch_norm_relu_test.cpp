// Batch norm, a sum and ReLU as one op, and the sum and ReLU alone: against their lower(), and what
// memory their gradients take.
#include <gtest/gtest.h>

#include "tests/ops/op_checks.h"
#include "tuco/autograd/functions.h"
#include "tuco/autograd/rules.h"
#include "tuco/autograd/run_op.h"
#include "tuco/core/error.h"

namespace tuco::test {
namespace {

void expect_equals_lowering(const auto& op, const std::vector<Tensor>& inputs, double tolerance) {
  std::vector<Tensor> a, b;
  for (const Tensor& input : inputs) {
    a.push_back(input.clone().requires_grad_());
    b.push_back(input.clone().requires_grad_());
  }
  const Outputs fused = run_op(op, a), lowered = lower(op, b);
  ASSERT_EQ(fused.size(), lowered.size());
  for (size_t i = 0; i < fused.size(); ++i)
    expect_close(fused[i], lowered[i], tolerance, fmt::format("output {}", i));
  const Tensor seed = spread(fused[0].shape(), 5).to(fused[0].dtype()).to(fused[0].device());
  fused[0].backward(seed);
  lowered[0].backward(seed);
  for (size_t i = 0; i < inputs.size(); ++i)
    expect_close(a[i].grad(), b[i].grad(), tolerance, fmt::format("gradient {}", i));
}

TEST(BatchNormRelu, EqualsItsLowering) {
  for (const Device device : test_devices())
    for (const DType dtype : {DType::float32, DType::float64})
      for (const Shape& shape : {Shape{2, 4, 6, 3}, {9, 16}, {3, 5, 17}, {64, 8}, {4, 3, 3, 24}})
        for (const bool skip : {false, true}) {
          SCOPED_TRACE(fmt::format("{} {} on {}, skip {}", shape, dtype, device, skip));
          std::vector<Tensor> inputs = {spread(shape, 1, -1, 3),
                                        spread({shape.back()}, 2, -0.5, 1.5),
                                        spread({shape.back()}, 3, -1, 1)};
          if (skip) inputs.push_back(spread(shape, 4, -2, 2));
          for (Tensor& input : inputs) input = input.to(dtype).to(device);
          expect_equals_lowering(op::BatchNormRelu{1e-3}, inputs,
                                 dtype == DType::float32 ? 2e-5 : 1e-12);
        }
}

TEST(AddRelu, EqualsItsLowering) {
  for (const Device device : test_devices())
    for (const auto& [a, b] : {std::pair<Shape, Shape>{{3, 5}, {3, 5}}, {{2, 4, 7}, {7}}})
      expect_equals_lowering(op::AddRelu{}, {spread(a, 1).to(device), spread(b, 2).to(device)},
                             1e-12);
}

/// The gradient of everything that flows into `leaf`, with handles held that forbid to overwrite
/// this or that.
std::vector<float> walk(const Tensor& leaf, bool keep_input, bool keep_gradient) {
  leaf.grad_state()->grad = {};
  const Tensor c3 = ones({3}) * 0.5;
  Tensor x = leaf * 2, skip = leaf * -1;
  const Tensor input = keep_input ? transpose(x) : Tensor();
  const auto before = x.detach().to_vector<float>();
  const Tensor y = batch_norm_relu(x, c3, c3, skip, 1e-3).y;
  x = skip = Tensor();
  Tensor seed = spread(y.shape(), 5).to(DType::float32);
  const auto values = seed.to_vector<float>();
  if (keep_gradient)
    y.backward(seed);
  else
    sum(y * seed).backward();
  EXPECT_EQ(seed.to_vector<float>(), values);
  if (keep_input) {
    EXPECT_EQ(transpose(input).detach().to_vector<float>(), before);
  }
  return leaf.grad().to_vector<float>();
}

TEST(BatchNormRelu, TakesMemoryOnlyWhereNobodyElseLooks) {
  const Tensor leaf = spread({4, 5, 3}, 1, -1, 3).to(DType::float32).requires_grad_();
  const auto expected = walk(leaf, true, true);
  for (const bool keep_input : {false, true})
    for (const bool keep_gradient : {false, true})
      EXPECT_EQ(walk(leaf, keep_input, keep_gradient), expected);
}

TEST(BatchNormRelu, PassesNanOn) {
  std::vector<float> values(40, 1.0f);
  values[7] = std::numeric_limits<float>::quiet_NaN();
  const Tensor x = from_values(values, {20, 2});
  const Tensor y = batch_norm_relu(x, ones({2}), ones({2})).y;
  EXPECT_TRUE(std::isnan(y.to_vector<float>()[1]));
  EXPECT_FALSE(std::isnan(y.to_vector<float>()[0]));
}

TEST(BatchNormRelu, RefusesWhatDoesNotFit) {
  const Tensor c3 = ones({3}), x = ones({4, 3});
  EXPECT_THROW(batch_norm_relu(x, c3, ones({4})), ShapeError);
  EXPECT_THROW(batch_norm_relu(x, c3, c3, ones({3, 3})), ShapeError);
  EXPECT_THROW(batch_norm_relu(x, c3, c3, ones({4, 3}, {DType::float64})), DTypeError);
  EXPECT_THROW(batch_norm_relu(ones({3}), c3, c3), ShapeError);
  EXPECT_THROW(batch_norm_relu(ones({0, 3}), c3, c3), ShapeError);
}

}  // namespace
}  // namespace tuco::test
