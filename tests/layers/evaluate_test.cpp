#include "tuco/layers/evaluate.h"

#include <gtest/gtest.h>

#include <stdexcept>

#include "tuco/autograd/functions.h"
#include "tuco/layers/dropout.h"
#include "tuco/layers/linear.h"
#include "tuco/layers/sequential.h"

namespace tuco {
namespace {

TEST(Evaluating, PutsModeAndTapeBack) {
  const Sequential net{Linear{{.in = 2, .out = 2}}, Dropout{0.5}};
  const Tensor x = ones({1, 2});
  for (const bool training : {true, false}) {
    net.train(training);
    try {
      const Evaluating evaluating(net);
      EXPECT_FALSE(net.training());
      EXPECT_FALSE(net.children()[1].second.training());
      EXPECT_FALSE(net(x).requires_grad());
      throw std::runtime_error("something went wrong");
    } catch (const std::runtime_error&) {
    }
    EXPECT_EQ(net.training(), training);
    EXPECT_EQ(net.children()[1].second.training(), training);
    EXPECT_TRUE(net(x).requires_grad());
  }
}

TEST(Evaluating, LeavesAPartInTheModeThatItHad) {
  const Sequential net{Linear{{.in = 2, .out = 2}}, Dropout{0.5}};
  net[1].eval();
  { const Evaluating evaluating(net); }
  EXPECT_TRUE(net.training());
  EXPECT_TRUE(net[0].training());
  EXPECT_FALSE(net[1].training());
}

TEST(Accuracy, IsTheShareOverAllBatchesInEvaluationMode) {
  const Sequential net{Dropout{0.9}};
  const auto labels = [](std::vector<int64_t> values) {
    const auto n = static_cast<int64_t>(values.size());
    return from_values(values, {n});
  };
  const Tensor scores = from_values<float>({3, 1, 2, 0, 1, 2}, {3, 2});  // classes 0, 0, 1
  const std::vector<std::pair<Tensor, Tensor>> batches = {{scores, labels({0, 0, 1})},
                                                          {scores, labels({1, 0, 0})},
                                                          {slice(scores, 0, 0, 2), labels({0, 1})}};
  EXPECT_DOUBLE_EQ(accuracy(net, batches), 5.0 / 8);
  EXPECT_TRUE(net.training());
  EXPECT_EQ(accuracy(net, std::vector<std::pair<Tensor, Tensor>>{}), 0);
}

}  // namespace
}  // namespace tuco
