// A fused op against its lower(): values, statistics and gradients; and what tracing sees of it.
#include <gtest/gtest.h>

#include "tests/ops/op_checks.h"
#include "tuco/autograd/functions.h"
#include "tuco/autograd/rules.h"
#include "tuco/autograd/run_op.h"
#include "tuco/core/error.h"

namespace tuco::test {
namespace {

struct Case {
  Shape images;
  int64_t pool;
};
const std::vector<Case> kCases = {{{2, 4, 6, 3}, 2},  {{1, 5, 7, 16}, 2}, {{2, 3, 3, 4}, 3},
                                  {{1, 6, 7, 17}, 3}, {{3, 8, 8, 24}, 2}, {{1, 2, 2, 1}, 2}};

std::vector<Tensor> inputs_of(const Case& c, DType dtype, Device device) {
  const int64_t channels = c.images.back();
  std::vector<Tensor> inputs = {spread(c.images, 1, -1, 3), spread({channels}, 2, -0.5, 1.5),
                                spread({channels}, 3, -1, 1)};
  for (Tensor& input : inputs) input = input.to(dtype).to(device).clone();
  return inputs;
}

TEST(BatchNormReluPool, EqualsItsLowering) {
  for (const Device device : test_devices())
    for (const DType dtype : {DType::float32, DType::float64})
      for (const Case& c : kCases) {
        SCOPED_TRACE(fmt::format("{} pool {} {} on {}", c.images, c.pool, dtype, device));
        const double tolerance = dtype == DType::float32 ? 2e-5 : 1e-12;
        const op::BatchNormReluPool op{1e-3, c.pool};
        auto a = inputs_of(c, dtype, device), b = inputs_of(c, dtype, device);
        for (auto* list : {&a, &b})
          for (Tensor& input : *list) input.requires_grad_();
        const Outputs fused = run_op(op, a), lowered = lower(op, b);
        ASSERT_EQ(fused.size(), lowered.size());
        EXPECT_FALSE(lowered[3].defined());
        for (int i = 0; i < 3; ++i)
          expect_close(fused[i], lowered[i], tolerance, fmt::format("output {}", i));
        const Tensor seed = spread(fused[0].shape(), 5).to(dtype).to(device);
        fused[0].backward(seed);
        lowered[0].backward(seed);
        for (int i = 0; i < 3; ++i)
          expect_close(a[i].grad(), b[i].grad(), tolerance, fmt::format("gradient {}", i));
      }
}

TEST(BatchNormReluPool, TakesTheImagesMemoryForTheirGradientOnlyWhereNobodyElseLooks) {
  const auto inputs = inputs_of(kCases[0], DType::float32, Device::cpu());
  const Tensor leaf = inputs[0].clone().requires_grad_();
  const auto walk = [&](bool keep) {
    Tensor images = leaf * 2;
    const Tensor view = keep ? transpose(images) : Tensor();
    const auto before = (leaf.detach() * 2).to_vector<float>();
    const Tensor y = batch_norm_relu_pool(images, inputs[1], inputs[2], 2, 1e-3).y;
    images = Tensor();
    sum(y * y).backward();
    if (keep) {
      EXPECT_EQ(transpose(view).to_vector<float>(), before);
    }
    const auto gradient = leaf.grad().to_vector<float>();
    const_cast<Tensor&>(leaf).set_grad({});
    return gradient;
  };
  EXPECT_EQ(walk(true), walk(false));
}

TEST(BatchNormReluPool, RefusesWhatDoesNotFit) {
  const Tensor c3 = ones({3}), images = ones({1, 4, 4, 3});
  EXPECT_THROW(batch_norm_relu_pool(images, c3, c3, 5), ShapeError);
  EXPECT_THROW(batch_norm_relu_pool(images, c3, c3, 1), ShapeError);
  EXPECT_THROW(batch_norm_relu_pool(images, c3, ones({4})), ShapeError);
  EXPECT_THROW(batch_norm_relu_pool(ones({4, 3}), c3, c3), ShapeError);
  EXPECT_THROW(batch_norm_relu_pool(ones({0, 4, 4, 3}), c3, c3), ShapeError);
}

/// Notes the names of the ops that it sees.
struct Names final : Tracer {
  std::vector<std::string> list;
  void record(const op::Any& op, Inputs, const Outputs&) override { list.push_back(name(op)); }
};

TEST(Tracing, SeesCanonicalOpsOnly) {
  auto inputs = inputs_of(kCases[0], DType::float32, Device::cpu());
  inputs[0].requires_grad_();
  Names names;
  Tensor y;
  {
    TracerScope scope(&names);
    y = batch_norm_relu_pool(inputs[0], inputs[1], inputs[2], 2, 1e-3).y;
  }
  EXPECT_EQ(names.list, (std::vector<std::string>{"batch_norm_train", "relu", "max_pool2d"}));
  // Tracing changes what runs, not what comes out, nor whether it has a gradient.
  expect_close(y, batch_norm_relu_pool(inputs[0], inputs[1], inputs[2], 2, 1e-3).y, 2e-5, "traced");
  names.list.clear();
  sum(y).backward();
  EXPECT_TRUE(inputs[0].grad().defined());
  EXPECT_TRUE(names.list.empty());

  TracerScope scope(&names);
  batch_norm_relu(inputs[0], inputs[1], inputs[2]);
  batch_norm_relu(inputs[0], inputs[1], inputs[2], inputs[0]);
  add_relu(inputs[0], inputs[0]);
  EXPECT_EQ(names.list, (std::vector<std::string>{"batch_norm_train", "relu", "batch_norm_train",
                                                  "add", "relu", "add", "relu"}));
}

TEST(Tracing, DoesNotSeeWhatRulesRunInside) {
  Names names;
  {
    TracerScope scope(&names);
    const Tensor x = ones({2, 3}).requires_grad_();
    const Tensor loss = sum(max(x * 2, {1}));
    loss.backward();
    {
      TracerScope nobody(nullptr);
      exp(x);
    }
    EXPECT_THROW(ones({2}).fill_(1), Error);
  }
  EXPECT_EQ(names.list, (std::vector<std::string>{"affine", "max", "sum"}));
  EXPECT_EQ(current_tracer(), nullptr);
}

}  // namespace
}  // namespace tuco::test
