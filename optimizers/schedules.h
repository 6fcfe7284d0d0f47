// Learning-rate schedules: functions of the step number, and an object that follows one.
#pragma once
#include <cstdint>
#include <functional>

#include "tuco/optimizers/optimizer.h"

namespace tuco {

/// One cycle (Smith and Topin, arXiv:1708.07120), in two half cosines: from max_lr / div_factor up
/// to max_lr, then down to the start's final_div_factor-th part.
struct OneCycle {
  double max_lr = 0;
  int64_t total_steps = 0;
  /// Share of the steps that go up.
  double pct_start = 0.3;
  double div_factor = 25, final_div_factor = 1e4;
  /// The learning rate of step 0, 1, ...; after the last it stays.
  double operator()(int64_t step) const;
};

/// A straight warm-up over warmup_steps, whose last has max_lr, then half a cosine down to min_lr
/// at the last step (Loshchilov and Hutter, arXiv:1608.03983).
struct CosineWithWarmup {
  double max_lr = 0;
  int64_t total_steps = 0, warmup_steps = 0;
  double min_lr = 0;
  /// The learning rate of step 0, 1, ...; after the last it stays.
  double operator()(int64_t step) const;
};

/// Sets an optimizer's learning rate by a rule, which takes the step's number:
///   Schedule schedule(sgd, OneCycle{.max_lr = 0.06, .total_steps = epochs * loader.batches()});
///   ... sgd.step(); schedule.step();
class Schedule {
 public:
  using Rule = std::function<double(int64_t)>;
  /// Sets the learning rate of step 0; the optimizer must live longer.
  Schedule(Optimizer& optimizer, Rule rule);
  /// Sets the learning rate of the next step.
  void step() { set_steps(steps_ + 1); }
  /// How many steps were made.
  int64_t steps() const { return steps_; }
  /// Continues after `steps` steps: for training that was interrupted.
  void set_steps(int64_t steps);

 private:
  Optimizer& optimizer_;
  Rule rule_;
  int64_t steps_ = 0;
};

}  // namespace tuco
