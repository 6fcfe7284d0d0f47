#include "tuco/layers/sequential.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/temporary_folder.h"
#include "tuco/autograd/functions.h"
#include "tuco/autograd/run_op.h"
#include "tuco/core/error.h"
#include "tuco/core/rng.h"
#include "tuco/layers/activation.h"
#include "tuco/layers/batch_norm.h"
#include "tuco/layers/conv2d.h"
#include "tuco/layers/flatten.h"
#include "tuco/layers/linear.h"
#include "tuco/layers/pool2d.h"
#include "tuco/layers/residual.h"

namespace tuco {
namespace {

Sequential network() {
  return Sequential{
      Conv2d{{.in = 3, .out = 8, .kernel = 3}},
      BatchNorm{8},
      ReLU{},
      MaxPool2d{2},
      Sequential{Conv2d{{.in = 8, .out = 8, .kernel = 3, .padding = 1}}, BatchNorm{8}, ReLU{}},
      BatchNorm{8},
      ReLU{},
      MaxPool2d{{.kernel = 3, .stride = 2}},
      Flatten{},
      Linear{{.in = 72, .out = 16}},
      BatchNorm{16},
      ReLU{},
      Linear{{.in = 16, .out = 12}},
      ReLU{},
      Linear{{.in = 12, .out = 10, .bias = false}},
      ReLU6{}};
}

/// Blocks that end with batch norm and blocks that do not, with and without a shortcut and a ReLU.
Sequential residual_network() {
  const auto body = [](int64_t in, int64_t out, bool norm) {
    Sequential layers{Conv2d{{.in = in, .out = out, .kernel = 3, .padding = 1, .bias = false}},
                      BatchNorm{out}, ReLU{},
                      Conv2d{{.in = out, .out = out, .kernel = 3, .padding = 1}}};
    if (norm) layers->append(BatchNorm{out});
    return layers;
  };
  return Sequential{Residual{body(3, 3, true)},
                    Residual{{.body = body(3, 8, true),
                              .shortcut = Sequential{Conv2d{{.in = 3, .out = 8}}, BatchNorm{8}}}},
                    Residual{{.body = body(8, 8, false)}},
                    Residual{{.body = body(8, 8, true), .relu = false}},
                    Conv2d{{.in = 8, .out = 4, .kernel = 3, .stride = 2}},
                    ReLU6{},
                    Conv2d{{.in = 4, .out = 4, .bias = false}},
                    ReLU{}};
}

/// Names of the ops that were recorded.
class OpNames : public Tracer {
 public:
  void record(const op::Any& op, Inputs, const Outputs&) override { names.push_back(name(op)); }
  std::vector<std::string> names;
};

void expect_near(const Tensor& a, const Tensor& b, double tolerance, const std::string& what) {
  ASSERT_EQ(a.shape(), b.shape()) << what;
  const auto x = a.to_vector<float>(), y = b.to_vector<float>();
  for (size_t i = 0; i < x.size(); ++i)
    ASSERT_NEAR(x[i], y[i], tolerance * (1 + std::abs(y[i]))) << what << ", element " << i;
}

void expect_fused_as_plain(const Sequential& fused) {
  const Sequential plain = fused.clone();
  plain.fuse(false);
  for (int step = 0; step < 3; ++step) {
    Rng rng(static_cast<uint64_t>(step));
    Tensor x = randn({6, 16, 16, 3}, rng), same = x.clone();
    x.requires_grad_();
    same.requires_grad_();
    const Tensor a = fused(x), b = plain(same);
    expect_near(a, b, 1e-5, "output");
    const Tensor weights = randn(a.shape(), rng);
    sum(a * weights).backward();
    sum(b * weights).backward();
    expect_near(x.grad(), same.grad(), 1e-4, "gradient of the input");
    const auto ours = fused.named_parameters(), theirs = plain.named_parameters();
    for (size_t i = 0; i < ours.size(); ++i) {
      EXPECT_EQ(ours[i].first, theirs[i].first);
      expect_near(ours[i].second.grad(), theirs[i].second.grad(), 1e-3, ours[i].first);
    }
    // The statistics of the first batch norm are taken of the same numbers.
    const auto mine = fused[1].buffers(), others = plain[1].buffers();
    for (size_t i = 0; i < mine.size(); ++i)
      EXPECT_EQ(mine[i].second.to_vector<float>(), others[i].second.to_vector<float>());
    const auto all = fused.buffers(), all_plain = plain.buffers();
    for (size_t i = 0; i < all.size(); ++i)
      expect_near(all[i].second, all_plain[i].second, 1e-5, all[i].first);
  }
  fused.eval();
  plain.eval();
  const Tensor x = randn({2, 16, 16, 3});
  expect_near(fused(x), plain(x), 1e-5, "evaluation");
}

TEST(Sequential, FusedAndNotGiveTheSame) {
  manual_seed(2);
  expect_fused_as_plain(network());
}

TEST(Sequential, FusedAndNotGiveTheSameInResidualBlocks) {
  manual_seed(3);
  expect_fused_as_plain(residual_network());
}

TEST(Sequential, FusesInTrainingOnly) {
  const Sequential net{BatchNorm{4}, ReLU{}, MaxPool2d{2}};
  const Tensor x = randn({2, 4, 4, 4});
  // While traced only canonical ops run, whatever the mode.
  for (const bool trains : {false, true}) {
    net.train(trains);
    OpNames seen;
    {
      const TracerScope scope(&seen);
      net(x);
    }
    EXPECT_EQ(seen.names, (std::vector<std::string>{trains ? "batch_norm_train" : "batch_norm",
                                                    "relu", "max_pool2d"}));
  }
}

TEST(Residual, TracesCanonicalOps) {
  const Residual block{Sequential{Linear{{.in = 4, .out = 4}}, ReLU{}, BatchNorm{4}}};
  OpNames seen;
  {
    const TracerScope scope(&seen);
    block(randn({3, 4}));
  }
  EXPECT_EQ(seen.names,
            (std::vector<std::string>{"linear", "relu", "batch_norm_train", "add", "relu"}));
}

TEST(Residual, ErrorsInsideAFusedOpNameTheBatchNorm) {
  const Residual block{Sequential{Linear{{.in = 4, .out = 4}}, BatchNorm{5}}};
  const std::string text = test::message_of<ShapeError>([&] { block(randn({3, 4})); });
  EXPECT_TRUE(text.starts_with("body.1 (BatchNorm): ")) << text;
}

TEST(Sequential, AppendsAndPlansAnew) {
  manual_seed(5);
  Sequential net;
  net->append(BatchNorm{4});
  net->append(ReLU{});
  net->append(MaxPool2d{2});
  EXPECT_EQ(net.size(), 3u);
  EXPECT_TRUE(net[1].is<ReLU>());
  EXPECT_EQ(net(randn({2, 4, 4, 4})).shape(), Shape({2, 2, 2, 4}));
  const Tensor x = randn({3, 2});
  EXPECT_TRUE(Sequential{}(x).same(x));
}

TEST(Sequential, ErrorsInsideAFusedOpNameTheBatchNorm) {
  const Sequential net{Identity{}, Sequential{BatchNorm{4}, ReLU{}, MaxPool2d{2}}};
  const std::string text = test::message_of<ShapeError>([&] { net(randn({2, 4, 4, 3})); });
  EXPECT_TRUE(text.starts_with("1.0 (BatchNorm): ")) << text;
}

}  // namespace
}  // namespace tuco
