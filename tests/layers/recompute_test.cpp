#include "tuco/layers/recompute.h"

#include <gtest/gtest.h>

#include "tuco/autograd/functions.h"
#include "tuco/autograd/grad_mode.h"
#include "tuco/core/error.h"
#include "tuco/core/rng.h"
#include "tuco/layers/activation.h"
#include "tuco/layers/batch_norm.h"
#include "tuco/layers/conv2d.h"
#include "tuco/layers/dropout.h"
#include "tuco/layers/sequential.h"
#include "tuco/optimizers/sgd.h"

namespace tuco {
namespace {

Sequential block(int64_t in, int64_t out) {
  return Sequential{Conv2d{{.in = in, .out = out, .kernel = 3, .padding = 1}},
                    BatchNorm{out},
                    ReLU{},
                    Dropout{0.3},
                    Conv2d{{.in = out, .out = out, .kernel = 3, .padding = 1}},
                    Tanh{}};
}

using Values = std::vector<std::vector<float>>;

/// Trains three steps; all that came of it.
Values trained(const Module& net) {
  manual_seed(7);
  SGD sgd(net.parameters(), {.lr = 0.1, .momentum = 0.9});
  Values values;
  for (int step = 0; step < 3; ++step) {
    const Tensor x = randn({4, 8, 8, 3}).requires_grad_();
    sgd.zero_grad();
    const Tensor y = net(x);
    sum(y * y).backward();
    sgd.step();
    values.push_back(y.to_vector<float>());
    values.push_back(x.grad().to_vector<float>());
    values.push_back(dropout(ones({40}), 0.5).to_vector<float>());  // what the generator gives next
  }
  for (const auto& [name, tensor] : net.state()) values.push_back(tensor.to_vector<float>());
  return values;
}

TEST(Recompute, ChangesNoBit) {
  manual_seed(1);
  const Sequential plain{block(3, 4), block(4, 6)};
  const Sequential copy = plain.clone();
  const Sequential again{Recomputed{copy[0]}, Recomputed{copy[1]}};
  const Values expected = trained(plain);
  EXPECT_EQ(trained(again), expected);
  EXPECT_EQ(again.named_parameters()[0].first, "0.body.0.weight");
}

TEST(Recompute, Nests) {
  manual_seed(1);
  const Sequential plain{block(3, 4), block(4, 6)};
  const Sequential copy = plain.clone();
  const Sequential nested{Recomputed{Sequential{Recomputed{copy[0]}, copy[1]}}};
  EXPECT_EQ(trained(nested), trained(plain));
}

TEST(Recompute, KeepsTheInputAlone) {
  manual_seed(1);
  const Sequential plain{block(8, 8), block(8, 8), block(8, 8), block(8, 8)};
  const Tensor x = randn({4, 32, 32, 8});
  const auto held = [&](const auto& run) {
    const size_t before = memory_stats().current_bytes;
    const Tensor y = run();
    return memory_stats().current_bytes - before;
  };
  const size_t kept = held([&] { return plain(x); });
  const size_t left = held([&] { return recompute(plain, x); });
  EXPECT_LT(left, kept / 8);
}

TEST(Recompute, TrainsWhatComesAfterAnInputWithoutGradient) {
  const Sequential net = block(3, 4);
  const Tensor x = randn({2, 5, 5, 3});
  sum(recompute(net, x)).backward();
  for (const Tensor& parameter : net.parameters()) EXPECT_TRUE(parameter.grad().defined());
  const NoGrad quiet;
  EXPECT_FALSE(recompute(net, x).requires_grad());
}

TEST(Recompute, RefusesParametersThatChanged) {
  const Sequential net = block(3, 4);
  const Tensor y = sum(recompute(net, randn({2, 5, 5, 3})));
  {
    const NoGrad quiet;
    net.parameters()[0].detach().fill_(0);
  }
  EXPECT_THROW(y.backward(), Error);
  EXPECT_FALSE(is_recomputing());
  EXPECT_THROW(recompute(Module(), randn({2})), Error);
}

TEST(Recompute, RefusesToDrawMoreThanTheFirstTime) {
  RandomLog log;
  {
    const RandomLog::Record record(log);
    reserve_random(10);
  }
  const RandomLog::Replay replay(log);
  reserve_random(10);
  EXPECT_THROW(reserve_random(10), Error);
}

}  // namespace
}  // namespace tuco
