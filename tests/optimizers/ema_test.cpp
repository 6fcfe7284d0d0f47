#include "tuco/optimizers/ema.h"

#include <gtest/gtest.h>

#include "tuco/autograd/functions.h"
#include "tuco/autograd/grad_mode.h"
#include "tuco/core/error.h"
#include "tuco/layers/activation.h"
#include "tuco/layers/batch_norm.h"
#include "tuco/layers/linear.h"
#include "tuco/layers/sequential.h"

namespace tuco {
namespace {

TEST(Ema, AveragesAndSwaps) {
  Tensor weight = full({2}, 1).requires_grad_(), count = zeros({}, {DType::int64});
  Ema ema({{"weight", weight}, {"count", count}}, {.decay = 0.5, .warm_up = false});
  {
    const NoGrad quiet;
    weight.fill_(3);
    count.fill_(7);
  }
  ema.update();  // 2
  {
    const NoGrad quiet;
    weight.fill_(10);
  }
  ema.update();  // 6
  {
    const Ema::Scope averaged(ema);
    EXPECT_EQ(weight.to_vector<float>(), std::vector<float>(2, 6));
    EXPECT_EQ(count.item<int64_t>(), 7);
    EXPECT_EQ(ema.state()[0].second.to_vector<float>(), std::vector<float>(2, 6));
    EXPECT_THROW(ema.update(), Error);
  }
  EXPECT_EQ(weight.to_vector<float>(), std::vector<float>(2, 10));
  EXPECT_TRUE(weight.requires_grad());
  EXPECT_THROW(Ema({}, {.decay = 1}), Error);
}

TEST(Ema, WarmUpForgetsTheStart) {
  Tensor weight = full({1}, 100);
  Ema slow({{"w", weight}}, {.decay = 0.999, .warm_up = false}), warm({{"w", weight}}, {});
  weight.fill_(0);
  for (int i = 0; i < 30; ++i) slow.update(), warm.update();
  EXPECT_GT(slow.state()[0].second.item(), 90);
  EXPECT_LT(warm.state()[0].second.item(), 1);
}

TEST(Ema, CoversRunningStatisticsAndResumes) {
  const Sequential net{Linear{{.in = 3, .out = 4}}, BatchNorm{4}};
  Ema ema(net.state(), {.decay = 0.9});
  const auto move = [&](const Sequential& n, Ema& e) {
    n(from_values<float>({1, 2, 3, 5, 8, 4}, {2, 3}) +
      n[0].as<Linear>()->bias->to_vector<float>()[0]);
    e.update();
  };
  for (int i = 0; i < 3; ++i) move(net, ema);
  const Sequential copy = net.clone();
  Ema resumed(copy.state(), {.decay = 0.9});
  resumed.load_state(ema.state());
  move(net, ema);
  move(copy, resumed);
  const auto a = ema.state(), b = resumed.state();
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i + 1 < a.size(); ++i)
    EXPECT_EQ(a[i].second.to_vector<float>(), b[i].second.to_vector<float>()) << a[i].first;
  EXPECT_NE(a[4].second.to_vector<float>(), std::vector<float>(4, 0)) << a[4].first;
  EXPECT_THROW(resumed.load_state({{"x", ones({1})}}), Error);
}

}  // namespace
}  // namespace tuco
