#include "tuco/optimizers/schedules.h"

#include <gtest/gtest.h>

#include "tuco/core/error.h"
#include "tuco/optimizers/sgd.h"

namespace tuco {
namespace {

TEST(OneCycle, IsThatOfPyTorch) {
  const Safetensors file = load_safetensors(TUCO_SOURCE_DIR "/tests/golden/optimizers.safetensors");
  const auto expect = [&](const std::string& name, const OneCycle& cycle) {
    const auto rates = file.find(name)->to_vector<double>();
    ASSERT_EQ(static_cast<int64_t>(rates.size()), cycle.total_steps);
    for (size_t i = 0; i < rates.size(); ++i)
      EXPECT_NEAR(cycle(static_cast<int64_t>(i)), rates[i], 1e-15) << name << ", step " << i;
    EXPECT_EQ(cycle(cycle.total_steps + 5), cycle(cycle.total_steps - 1));
  };
  expect("one_cycle.20", {.max_lr = 0.06, .total_steps = 20});
  expect("one_cycle.33", {.max_lr = 2,
                          .total_steps = 33,
                          .pct_start = 0.17,
                          .div_factor = 10,
                          .final_div_factor = 50});
}

TEST(OneCycle, ShortAndLopsidedOnesStayInRange) {
  for (const int64_t total : {1, 2, 3, 10})
    for (const double pct : {0.0, 0.1, 0.5, 1.0}) {
      const OneCycle cycle{.max_lr = 1, .total_steps = total, .pct_start = pct};
      double highest = 0;
      for (int64_t i = 0; i < total; ++i) {
        EXPECT_GT(cycle(i), 0) << total << " " << pct << " " << i;
        highest = std::max(highest, cycle(i));
      }
      EXPECT_LE(highest, 1);
      if (total > 3 || pct == 0) {
        EXPECT_GT(highest, 0.9) << total << " " << pct;
      }
    }
  EXPECT_THROW((OneCycle{.max_lr = 1})(0), Error);
  EXPECT_THROW((OneCycle{.max_lr = 1, .total_steps = 3, .pct_start = 2})(0), Error);
}

TEST(CosineWithWarmup, RisesStraightAndFallsAsACosine) {
  const CosineWithWarmup rule{.max_lr = 1, .total_steps = 14, .warmup_steps = 4, .min_lr = 0.2};
  EXPECT_DOUBLE_EQ(rule(0), 0.25);
  EXPECT_DOUBLE_EQ(rule(3), 1);
  EXPECT_LT(rule(4), 1);
  EXPECT_DOUBLE_EQ(rule(8), 0.6);  // half-way from step 3 to step 13
  EXPECT_DOUBLE_EQ(rule(13), 0.2);
  EXPECT_DOUBLE_EQ(rule(100), 0.2);
  const CosineWithWarmup plain{.max_lr = 1, .total_steps = 11};
  EXPECT_DOUBLE_EQ(plain(0), 1);
  EXPECT_DOUBLE_EQ(plain(5), 0.5);
  EXPECT_NEAR(plain(10), 0, 1e-16);
  EXPECT_THROW((CosineWithWarmup{.total_steps = 3, .warmup_steps = 4})(0), Error);
}

TEST(Schedule, SetsTheOptimizersRate) {
  SGD sgd({ones({2}).requires_grad_()}, {.lr = 5});
  Schedule schedule(sgd, [](int64_t step) { return 1.0 / static_cast<double>(1 + step); });
  EXPECT_EQ(sgd.lr(), 1);
  schedule.step();
  EXPECT_EQ(sgd.lr(), 0.5);
  schedule.set_steps(9);
  EXPECT_EQ(sgd.lr(), 0.1);
  EXPECT_EQ(schedule.steps(), 9);
}

}  // namespace
}  // namespace tuco
