#include "tuco/autograd/leaf_observer.h"

#include <gtest/gtest.h>

#include "tests/support/temporary_folder.h"
#include "tuco/autograd/functions.h"
#include "tuco/autograd/grad_mode.h"
#include "tuco/core/error.h"
#include "tuco/core/ops/custom.h"

namespace tuco {
namespace {

using test::message_of;

/// Writes down what it is told, with the gradients at that moment: "begin", "1=3", "end".
struct Diary : LeafObserver {
  explicit Diary(std::vector<Tensor> observed)
      : leaves(std::move(observed)), observation(leaves, *this) {}
  void backward_begins() override { told.push_back("begin"); }
  void leaf_is_final(int64_t leaf) override {
    EXPECT_FALSE(grad_enabled());
    const Tensor gradient = leaves[static_cast<size_t>(leaf)].grad();
    told.push_back(fmt::format("{}={}", leaf, gradient.defined() ? gradient.item() : -1));
  }
  void backward_ends() override { told.push_back("end"); }

  std::vector<Tensor> leaves;
  std::vector<std::string> told;
  LeafObservation observation;
};

using Told = std::vector<std::string>;

Tensor number(float value) { return from_values<float>({value}, {}).requires_grad_(); }

TEST(LeafObserver, IsToldAsSoonAsAGradientIsFinal) {
  const Tensor a = number(2), b = number(3), c = number(5);
  Diary diary({a, b, c});
  // a is used first and last, so it is final last; c before b.
  const Tensor x = a * b;
  const Tensor y = x * c + a;
  y.backward();
  EXPECT_EQ(diary.told, (Told{"begin", "2=6", "0=16", "1=10", "end"}));
  diary.told.clear();
  ((a + b) * c).backward();
  EXPECT_EQ(diary.told, (Told{"begin", "2=11", "0=21", "1=15", "end"}));
}

TEST(LeafObserver, ALeafUsedTwiceByOneOpOrByManyIsToldOnce) {
  const Tensor a = number(3);
  Diary diary({a});
  Tensor x = a * a;
  for (int i = 0; i < 3; ++i) x = x + a;
  x.backward();
  EXPECT_EQ(diary.told, (Told{"begin", "0=9", "end"}));
}

TEST(LeafObserver, IsLeftAloneByBackwardsThatDoNotReachItsLeaves) {
  const Tensor a = number(2), b = number(3), other = number(4);
  Diary diary({a, b});
  (other * 2).backward();
  EXPECT_EQ(diary.told, Told());
  (other * a).backward();
  EXPECT_EQ(diary.told, (Told{"begin", "0=4", "end"}));
  diary.told.clear();
  a.backward();  // the root itself
  EXPECT_EQ(diary.told, (Told{"begin", "end"}));
  EXPECT_EQ(a.grad().item(), 5);
}

TEST(LeafObserver, GraphsThatWereThrownAwayDoNotCount) {
  const Tensor a = number(2);
  Diary diary({a});
  const Tensor kept = a * 3;
  { const Tensor dropped = a * kept; }
  (kept * a).backward();
  EXPECT_EQ(diary.told, (Told{"begin", "0=12", "end"}));
}

TEST(LeafObserver, SeveralAreToldInTheOrderOfTheirMaking) {
  const Tensor a = number(2), b = number(3);
  Diary first({b}), second({a});
  Told order;
  struct Ends : LeafObserver {
    Ends(Told& t, std::string n, const Tensor& leaf)
        : told(t), name(std::move(n)), observation({leaf}, *this) {}
    void backward_begins() override { told.push_back(name + " begins"); }
    void leaf_is_final(int64_t) override {}
    void backward_ends() override { told.push_back(name + " ends"); }
    Told& told;
    std::string name;
    LeafObservation observation;
  };
  const Tensor c = number(1), d = number(1);
  const Ends x(order, "x", d), y(order, "y", c);
  (a * c * b * d).backward();
  EXPECT_EQ(order, (Told{"x begins", "y begins", "x ends", "y ends"}));
  EXPECT_EQ(first.told.size(), 3u);
  EXPECT_EQ(second.told.size(), 3u);
}

/// x * w, whose backward walks a tape of its own that adds to w's gradient, as recompute does.
struct InnerTape : CustomOp {
  explicit InnerTape(Tensor w) : weight(std::move(w)) {}
  std::string name() const override { return "inner_tape"; }
  std::vector<TensorMeta> infer(std::span<const TensorMeta> inputs) const override {
    return {inputs[0]};
  }
  std::vector<Tensor> forward(std::span<const Tensor> inputs,
                              std::vector<Tensor>& saved) const override {
    saved = {inputs[0]};
    return {inputs[0].detach() * weight.detach()};
  }
  std::vector<Tensor> backward(std::span<const Tensor> saved,
                               std::span<const Tensor> gradients) const override {
    const WithGrad recording;
    const Tensor x = saved[0].clone().requires_grad_();
    (x * weight).backward(gradients[0]);
    return {x.grad(), {}};
  }
  Tensor weight;
};

TEST(LeafObserver, ABackwardInsideOfAnotherTellsNothingByItself) {
  const Tensor w = number(2), x = number(3);
  Diary diary({w, x});
  const Tensor once = custom(std::make_shared<InnerTape>(w), {x, w})[0];
  const Tensor twice = custom(std::make_shared<InnerTape>(w), {once, w})[0];
  twice.backward();  // x w^2
  EXPECT_EQ(diary.told, (Told{"begin", "1=4", "0=12", "end"}));
}

TEST(LeafObserver, WhatItThrowsComesOutOfBackward) {
  struct Fails : LeafObserver {
    explicit Fails(const Tensor& leaf) : observation({leaf}, *this) {}
    void backward_begins() override {}
    void leaf_is_final(int64_t) override { fail<IoError>("the line is dead"); }
    void backward_ends() override { ADD_FAILURE(); }
    LeafObservation observation;
  };
  const Tensor a = number(2);
  {
    const Fails fails(a);
    EXPECT_EQ(message_of<IoError>([&] { (a * a).backward(); }), "the line is dead");
  }
  // The next backward is the outermost one again, and the observer is gone.
  Diary diary({a});
  (a * 2).backward();
  EXPECT_EQ(diary.told.size(), 3u);
}

TEST(LeafObserver, RefusesWhatIsNoLeafOrObservedAlready) {
  const Tensor a = number(2), plain = ones({2});
  EXPECT_THROW(Diary({a, plain}), Error);
  EXPECT_THROW(Diary({a * 2}), Error);
  EXPECT_THROW(Diary({a, a}), Error);
  const Diary diary({a});
  EXPECT_EQ(message_of<Error>([&] {
              Diary({number(1), a});
            }),
            "LeafObservation: leaf 1 has an observer");
}

TEST(LeafObserver, LongRecurrencesNeedNoStack) {
  const Tensor a = number(1);
  Diary diary({a});
  Tensor x = a * 1;
  for (int i = 0; i < 100'000; ++i) x = x + a;
  x.backward();
  EXPECT_EQ(diary.told, (Told{"begin", "0=100001", "end"}));
}

}  // namespace
}  // namespace tuco
