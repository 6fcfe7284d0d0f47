#include "tuco/autograd/tape.h"

#include <gtest/gtest.h>

#include "tuco/autograd/functions.h"
#include "tuco/autograd/grad_mode.h"
#include "tuco/core/error.h"
#include "tuco/core/ops/custom.h"

namespace tuco {
namespace {

Tensor leaf(const std::vector<float>& values, const Shape& shape) {
  return from_values(values, shape).requires_grad_();
}

TEST(Backward, GoesThroughSharedSubexpressionsOnce) {
  const Tensor x = leaf({2, 3}, {2});
  const Tensor y = x * x;
  sum(y * y + y).backward();  // x^4 + x^2: 4x^3 + 2x
  EXPECT_EQ(x.grad().to_vector<float>(), (std::vector<float>{36, 114}));
}

TEST(Backward, AccumulatesInLeavesAndTakesAGradient) {
  const Tensor x = leaf({1, 2}, {2});
  (x * 3).backward(from_values<float>({1, 10}, {2}));
  sum(x).backward();
  EXPECT_EQ(x.grad().to_vector<float>(), (std::vector<float>{4, 31}));
}

TEST(Backward, RefusesWhatHasNoMeaning) {
  const Tensor x = leaf({1, 2}, {2});
  const Tensor y = x * x;
  EXPECT_THROW(y.backward(), ShapeError);
  EXPECT_THROW(from_values<float>({1}, {}).backward(), Error);
  const Tensor loss = sum(y);
  loss.backward();
  EXPECT_THROW(loss.backward(), Error);
  // The gradient is off the tape: there is no second derivative to be had.
  EXPECT_THROW(sum(x.grad()).backward(), Error);
}

TEST(Backward, RefusesValuesChangedSinceForward) {
  const Tensor x = leaf({1, 2}, {2});
  Tensor c = from_values<float>({3, 4}, {2});
  const Tensor loss = sum(x * c);
  slice(c, 0, 0, 1).fill_(7);  // through a view
  EXPECT_THROW(loss.backward(), Error);
}

TEST(Backward, AnAdditionDoesNotMindChangedValues) {
  const Tensor x = leaf({1, 2}, {2});
  Tensor c = from_values<float>({3, 4}, {2});
  const Tensor loss = sum(x + c);
  c.fill_(0);
  loss.backward();
  EXPECT_EQ(x.grad().to_vector<float>(), (std::vector<float>{1, 1}));
}

TEST(Backward, LongRecurrencesNeedNoStack) {
  const Tensor x = leaf({1}, {1});
  {
    Tensor y = x;
    for (int i = 0; i < 100000; ++i) y = y + 1e-6;
    sum(y).backward();
    EXPECT_EQ(x.grad().item(), 1);
  }
  Tensor dropped = x;  // destroyed without backward
  for (int i = 0; i < 100000; ++i) dropped = dropped * 1.0;
}

TEST(InPlace, IsRefusedWhileRecording) {
  Tensor x = leaf({1, 2}, {2});
  EXPECT_THROW(x.fill_(0), Error);
  NoGrad quiet;
  x.fill_(5);
  EXPECT_EQ(x.to_vector<float>(), (std::vector<float>{5, 5}));
}

TEST(GradMode, NothingIsRecordedUnderNoGrad) {
  const Tensor x = leaf({1}, {1});
  NoGrad quiet;
  EXPECT_FALSE((x * 2).requires_grad());
}

TEST(Memory, ResultsOfBackwardAreFreed) {
  const Tensor x = leaf(std::vector<float>(1000, 1), {1000});
  const auto step = [&] {
    Tensor y = x;
    for (int i = 0; i < 10; ++i) y = exp(y * 0.1);
    sum(y).backward();
    const_cast<Tensor&>(x).set_grad({});
  };
  step();
  const size_t before = memory_stats().current_bytes;
  step();
  EXPECT_EQ(memory_stats().current_bytes, before);
}

/// y = x^3 with its own gradient.
struct Cube final : CustomOp {
  std::string name() const override { return "cube"; }
  std::vector<TensorMeta> infer(std::span<const TensorMeta> in) const override { return {in[0]}; }
  std::vector<Tensor> forward(std::span<const Tensor> in,
                              std::vector<Tensor>& saved) const override {
    saved = {in[0]};
    return {in[0] * in[0] * in[0]};
  }
  std::vector<Tensor> backward(std::span<const Tensor> saved,
                               std::span<const Tensor> g) const override {
    return {g[0] * saved[0] * saved[0] * 3};
  }
};

TEST(Custom, UsersOpsHaveGradients) {
  const Tensor x = leaf({2, -1}, {2});
  const Tensor y = custom(std::make_shared<Cube>(), {x})[0];
  EXPECT_EQ(y.to_vector<float>(), (std::vector<float>{8, -1}));
  sum(y).backward();
  EXPECT_EQ(x.grad().to_vector<float>(), (std::vector<float>{12, 3}));
}

}  // namespace
}  // namespace tuco
