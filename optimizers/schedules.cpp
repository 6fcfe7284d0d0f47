#include "tuco/optimizers/schedules.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "tuco/core/error.h"

namespace tuco {
namespace {

/// Half a cosine from `from` at 0 to `to` at 1.
double half_cosine(double from, double to, double at) {
  return to + (from - to) / 2 * (1 + std::cos(std::numbers::pi * at));
}

void check(const char* schedule, int64_t step, int64_t total) {
  require<Error>(total > 0 && step >= 0, "{}: step {} of {}", schedule, step, total);
}

}  // namespace

double OneCycle::operator()(int64_t step) const {
  check("OneCycle", step, total_steps);
  require<Error>(pct_start >= 0 && pct_start <= 1 && div_factor > 0 && final_div_factor > 0,
                 "OneCycle: pct_start {}, div_factor {}, final_div_factor {}", pct_start,
                 div_factor, final_div_factor);
  const double start = max_lr / div_factor, last = static_cast<double>(total_steps - 1);
  const double top = std::max(pct_start * static_cast<double>(total_steps) - 1, 0.0);
  const double at = std::min(static_cast<double>(step), last);
  if (at < top) return half_cosine(start, max_lr, at / top);
  if (at == top || last <= top) return max_lr;
  return half_cosine(max_lr, start / final_div_factor, (at - top) / (last - top));
}

double CosineWithWarmup::operator()(int64_t step) const {
  check("CosineWithWarmup", step, total_steps);
  require<Error>(warmup_steps >= 0 && warmup_steps <= total_steps,
                 "CosineWithWarmup: {} warm-up steps of {}", warmup_steps, total_steps);
  if (step < warmup_steps)
    return max_lr * static_cast<double>(step + 1) / static_cast<double>(warmup_steps);
  const int64_t first = std::max<int64_t>(warmup_steps - 1, 0), last = total_steps - 1;
  if (last <= first) return max_lr;
  const double at = static_cast<double>(std::min(step, last) - first);
  return half_cosine(max_lr, min_lr, at / static_cast<double>(last - first));
}

Schedule::Schedule(Optimizer& optimizer, Rule rule)
    : optimizer_(optimizer), rule_(std::move(rule)) {
  set_steps(0);
}

void Schedule::set_steps(int64_t steps) {
  optimizer_.set_lr(rule_(steps));
  steps_ = steps;
}

}  // namespace tuco
