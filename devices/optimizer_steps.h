// The formulas of the optimizers' steps, an element at a time, for every device.
#pragma once
#include <cmath>

#include "tuco/core/host_device.h"

namespace tuco {

/// op::SgdStep in the weights' type.
template <class T>
struct SgdFormula {
  T lr, momentum, decay;
  bool nesterov;
  TUCO_HOST_DEVICE void step(T gradient, T& weight, T& velocity) const {
    const T d = gradient + decay * weight;
    velocity = momentum * velocity + d;
    weight -= lr * (nesterov ? d + momentum * velocity : velocity);
  }
};
template <class T, class Op>
SgdFormula<T> sgd_formula(const Op& op) {
  return {static_cast<T>(op.lr), static_cast<T>(op.momentum), static_cast<T>(op.weight_decay),
          op.nesterov};
}

/// op::AdamWStep in the weights' type.
template <class T>
struct AdamWFormula {
  T beta1, beta2, step_size, unbias, eps, keep;
  TUCO_HOST_DEVICE void step(T gradient, T& weight, T& mean, T& square) const {
    mean = beta1 * mean + (1 - beta1) * gradient;
    square = beta2 * square + (1 - beta2) * gradient * gradient;
    weight = weight * keep - step_size * mean / (std::sqrt(square) * unbias + eps);
  }
};
template <class T, class Op>
AdamWFormula<T> adamw_formula(const Op& op) {
  return {static_cast<T>(op.beta1),
          static_cast<T>(op.beta2),
          static_cast<T>(op.lr / (1 - std::pow(op.beta1, op.step))),
          static_cast<T>(1 / std::sqrt(1 - std::pow(op.beta2, op.step))),
          static_cast<T>(op.eps),
          static_cast<T>(1 - op.lr * op.weight_decay)};
}

}  // namespace tuco
