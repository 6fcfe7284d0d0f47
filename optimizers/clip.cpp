#include "tuco/optimizers/clip.h"

#include <cmath>

#include "tuco/autograd/functions.h"
#include "tuco/autograd/grad_mode.h"
#include "tuco/core/error.h"

namespace tuco {

double clip_grad_norm(const std::vector<Tensor>& parameters, double max_norm) {
  require<Error>(max_norm > 0, "clip_grad_norm: norm {}, expected a positive number", max_norm);
  const NoGrad quiet;
  Tensor square;  // read once, since reading waits for a device
  for (const Tensor& parameter : parameters)
    if (const Tensor gradient = parameter.grad(); gradient.defined()) {
      const Tensor part = sum(gradient * gradient).to(DType::float64);
      square = square.defined() ? square + part : part;
    }
  const double norm = square.defined() ? std::sqrt(square.item<double>()) : 0;
  if (!std::isfinite(norm) || norm <= max_norm) return norm;
  for (const Tensor& parameter : parameters)
    if (Tensor gradient = parameter.grad(); gradient.defined()) gradient.mul_(max_norm / norm);
  return norm;
}

}  // namespace tuco
