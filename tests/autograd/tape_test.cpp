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

TEST(Backward, NoShapeOfGraphNeedsStackToBeDestroyed) {
  const Tensor x = leaf({1}, {1});
  {
    Tensor y = x;  // each result is read twice by one operation
    for (int i = 0; i < 100000; ++i) y = y * y;
  }
  {
    Tensor y = x;  // a residual network: read by two operations
    for (int i = 0; i < 100000; ++i) y = y + (y * 0.5);
  }
  {
    Tensor y = x;
    for (int i = 0; i < 100000; ++i) y = maximum(y * 0.5, y * 0.25);
    sum(y).backward();
    EXPECT_EQ(x.grad().item(), 0);  // underflow, and no overflow
  }
}

TEST(Backward, AnErrorInTheMiddleLeavesTheTensorsUsable) {
  const Tensor x = leaf({1, 2}, {2});
  Tensor c = from_values<float>({3, 4}, {2});
  const Tensor loss = sum(x * c * 2);
  c.fill_(7);
  EXPECT_THROW(loss.backward(), Error);
  EXPECT_FALSE(x.grad().defined());
  EXPECT_TRUE(grad_enabled());
  sum(x * c).backward();
  EXPECT_EQ(x.grad().to_vector<float>(), (std::vector<float>{7, 7}));
}

TEST(Backward, GradientsThatAreSharedAreNotOverwritten) {
  const Tensor a = leaf({1, 2}, {2}), b = leaf({3, 4}, {2});
  const Tensor seed = from_values<float>({1, 10}, {2});
  (a + b).backward(seed);  // the same gradient goes to both, and to nobody else's tensor
  (a * 2).backward(seed);
  EXPECT_EQ(a.grad().to_vector<float>(), (std::vector<float>{3, 30}));
  EXPECT_EQ(b.grad().to_vector<float>(), (std::vector<float>{1, 10}));
  EXPECT_EQ(seed.to_vector<float>(), (std::vector<float>{1, 10}));
}

TEST(Backward, ChecksTheGradientItIsGiven) {
  const Tensor y = leaf({1, 2}, {2}) * 2;
  EXPECT_THROW(y.backward(ones({3})), ShapeError);
  EXPECT_THROW(y.backward(ones({2}, {DType::float64})), DTypeError);
}

TEST(Backward, OfAScalarAndOfNothing) {
  const Tensor x = leaf({2}, {});
  (x * x).backward();
  EXPECT_EQ(x.grad().item(), 4);
  const Tensor none = zeros({0, 3}).requires_grad_();
  sum(exp(none) * ones({3})).backward();
  EXPECT_EQ(none.grad().shape(), Shape({0, 3}));
}

TEST(Leaf, ItsGradientCanBeReplaced) {
  const Tensor x = leaf({1, 2}, {2});
  const_cast<Tensor&>(x).set_grad(expand(full({}, 5), {2}));
  sum(x).backward();
  EXPECT_EQ(x.grad().to_vector<float>(), (std::vector<float>{6, 6}));
  EXPECT_THROW(const_cast<Tensor&>(x).set_grad(ones({3})), ShapeError);
  EXPECT_THROW(const_cast<Tensor&>(x).set_grad(ones({2}, {DType::float64})), DTypeError);
  const_cast<Tensor&>(x).set_grad(x * 2);  // off the tape
  EXPECT_FALSE(x.grad().requires_grad());
  const_cast<Tensor&>(x).set_grad({});
  EXPECT_FALSE(x.grad().defined());
  EXPECT_THROW((x * 2).set_grad(ones({2})), Error);
}

TEST(Pow, GradientAtZero) {
  const Tensor x = leaf({0, 2}, {2});
  sum(pow(x, 0) + pow(x, 1) + pow(x, 2)).backward();
  EXPECT_EQ(x.grad().to_vector<float>(), (std::vector<float>{1, 5}));
}

TEST(Linear, WithNoFeaturesOrNoRows) {
  const Tensor w = zeros({3, 0}).requires_grad_(), b = leaf({1, 2, 3}, {3});
  sum(linear(ones({2, 0}), w, b)).backward();
  EXPECT_EQ(w.grad().shape(), w.shape());
  EXPECT_EQ(b.grad().to_vector<float>(), (std::vector<float>{2, 2, 2}));
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

/// Gives its second input back, and says nothing of a gradient.
struct Second final : CustomOp {
  std::string name() const override { return "second"; }
  std::vector<TensorMeta> infer(std::span<const TensorMeta> in) const override { return {in[1]}; }
  std::vector<Tensor> forward(std::span<const Tensor> in, std::vector<Tensor>&) const override {
    return {in[1]};
  }
  std::vector<Tensor> backward(std::span<const Tensor>, std::span<const Tensor>) const override {
    return {Tensor(), Tensor()};
  }
};

TEST(Custom, AnInputGivenBackStaysWhatItWas) {
  const Tensor x = leaf({1}, {1}), c = ones({1});
  const Tensor y = custom(std::make_shared<Second>(), {x, c})[0];
  EXPECT_TRUE(y.requires_grad());
  EXPECT_FALSE(c.requires_grad());
  y.backward();
  EXPECT_FALSE(x.grad().defined());
}

/// (x, 2 x), whose gradient uses both.
struct Twice final : CustomOp {
  std::string name() const override { return "twice"; }
  std::vector<TensorMeta> infer(std::span<const TensorMeta> in) const override {
    return {in[0], in[0]};
  }
  std::vector<Tensor> forward(std::span<const Tensor> in, std::vector<Tensor>&) const override {
    return {in[0], in[0] * 2};
  }
  std::vector<Tensor> backward(std::span<const Tensor>, std::span<const Tensor> g) const override {
    return {g[0] + g[1] * 2};
  }
};

TEST(Custom, AnOutputThatNobodyUsesHasAGradientOfZero) {
  const Tensor x = leaf({1, 2}, {2});
  sum(custom(std::make_shared<Twice>(), {x})[1]).backward();
  EXPECT_EQ(x.grad().to_vector<float>(), (std::vector<float>{2, 2}));
}

}  // namespace
}  // namespace tuco
