#include "tuco/layers/lstm.h"

#include <cmath>

#include "tuco/core/error.h"
#include "tuco/layers/init.h"

namespace tuco {

LstmBody::LstmBody(const LstmOptions& o) : options(o) {
  require<ShapeError>(o.in > 0 && o.units > 0,
                      "Lstm: .in = {}, .units = {}, expected positive numbers", o.in, o.units);
  require<Error>(o.cell_clip >= 0, "Lstm: .cell_clip = {}, expected 0 or more", o.cell_clip);
  const int64_t gates = 4 * o.units;
  weight = add_parameter("weight", empty({gates, o.in}));
  recurrent = add_parameter("recurrent", empty({gates, o.units}));
  bias = add_parameter("bias", empty({gates}));
  const double bound = 1 / std::sqrt(static_cast<double>(o.units));
  for (const Parameter& parameter : {weight, recurrent, bias}) uniform_(parameter, -bound, bound);
  if (o.forget_bias) slice(bias->detach(), 0, o.units, 2 * o.units).fill_(*o.forget_bias);
}

Tensor LstmBody::forward(const Tensor& x) {
  const Tensor state = zeros({1, options.units}, {weight->dtype(), weight->device()});
  const LstmResult result = forward(x, state, state);
  return options.last_only ? result.hidden : result.y;
}

LstmResult LstmBody::forward(const Tensor& x, const Tensor& hidden, const Tensor& cell) {
  return lstm(x, weight, recurrent, bias, hidden, cell, {.cell_clip = options.cell_clip});
}

std::string LstmBody::describe() const {
  std::string text = fmt::format("{} -> {}", options.in, options.units);
  if (options.last_only) text += ", last only";
  if (options.cell_clip > 0) text += fmt::format(", cells within {}", options.cell_clip);
  return text;
}

LstmResult Lstm::operator()(const Tensor& x, const Tensor& hidden, const Tensor& cell) const {
  require<Error>(defined(), "lstm: a handle to nothing was called");
  const ModuleScope scope(body());
  return (*this)->forward(x, hidden, cell);
}

}  // namespace tuco
