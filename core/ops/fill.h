// Ops that write or change a tensor in place: their outputs exist before they run. They are run on
// the backend directly and never recorded.
#pragma once
#include <string_view>

#include "tuco/core/pointwise.h"

namespace tuco::op {

/// Output: every element becomes start + step * its row-major index.
struct Fill {
  static constexpr std::string_view name = "fill";
  double start = 0, step = 0;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("start", self.start);
    visit("step", self.step);
  }
};
/// Inputs x, outputs y, as many and of the same shapes: y = keep * y + alpha * x.
struct Accumulate {
  static constexpr std::string_view name = "accumulate";
  double alpha = 1, keep = 1;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("alpha", self.alpha);
    visit("keep", self.keep);
  }
};
/// Inputs: gradients, any number, of one type. Outputs: the weights, then their velocities. One
/// step of stochastic gradient descent: d = gradient + weight_decay * weight; velocity = momentum *
/// velocity + d; weight -= lr * (nesterov ? d + momentum * velocity : velocity).
struct SgdStep {
  static constexpr std::string_view name = "sgd_step";
  double lr = 0, momentum = 0, weight_decay = 0;
  bool nesterov = false;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("lr", self.lr);
    visit("momentum", self.momentum);
    visit("weight_decay", self.weight_decay);
    visit("nesterov", self.nesterov);
  }
};
/// Inputs: gradients, any number, of one type. Outputs: the weights, then their first moments, then
/// the second ones. One step of AdamW (Loshchilov and Hutter, arXiv:1711.05101); `step` counts from
/// 1.
struct AdamWStep {
  static constexpr std::string_view name = "adamw_step";
  double lr = 0, beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weight_decay = 0;
  int64_t step = 1;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("lr", self.lr);
    visit("beta1", self.beta1);
    visit("beta2", self.beta2);
    visit("eps", self.eps);
    visit("weight_decay", self.weight_decay);
    visit("step", self.step);
  }
};

}  // namespace tuco::op
