#include "tuco/core/ops/lstm.h"

#include "tuco/autograd/functions.h"
#include "tuco/autograd/rules.h"
#include "tuco/autograd/run_op.h"
#include "tuco/core/error.h"

namespace tuco {
namespace {

/// The hidden states before each step (n, t, u), from those after it.
Tensor hidden_before(const Tensor& hidden, const Tensor& y) {
  const Tensor first = expand(unsqueeze(hidden, 1), {y.dim(0), 1, y.dim(2)});
  const int64_t steps = y.dim(1);
  return slice(concat({first, slice(y, 1, 0, std::max<int64_t>(steps - 1, 0))}, 1), 1, 0, steps);
}

/// (n, t, k) as rows (n * t, k).
Tensor rows_of(const Tensor& x) { return reshape(x, {x.dim(0) * x.dim(1), x.dim(2)}); }

/// The gradient of a weight from those of the sums and what it multiplied, both (n, t, ...).
Tensor weight_gradient(const Tensor& sums, const Tensor& x) {
  return compute(op::MatMul{.transpose_a = true}, std::array{rows_of(sums), rows_of(x)})[0];
}

}  // namespace

OutputMetas infer(const op::Lstm& op, Metas in) {
  require_inputs(op.name, in.size(), 6, 6);
  require_alike(op.name, in);
  require_floating(op.name, in[0].dtype);
  require<Error>(op.cell_clip >= 0, "{}: cell_clip = {}, expected 0 or more", op.name,
                 op.cell_clip);
  const Shape &x = in[0].shape, &weight = in[1].shape, &recurrent = in[2].shape;
  require<ShapeError>(x.rank() == 3, "{}: input {}, expected (n, t, c)", op.name, x);
  require<ShapeError>(recurrent.rank() == 2 && recurrent[1] > 0 && recurrent[0] == 4 * recurrent[1],
                      "{}: recurrent weight {}, expected (4u, u)", op.name, recurrent);
  const int64_t n = x[0], units = recurrent[1];
  require<ShapeError>(weight == Shape({4 * units, x[2]}),
                      "{}: input {} and {} units want a weight ({}, {}), got {}", op.name, x, units,
                      4 * units, x[2], weight);
  require<ShapeError>(in[3].shape == Shape({4 * units}), "{}: {} units want a bias ({},), got {}",
                      op.name, units, 4 * units, in[3].shape);
  for (const int i : {4, 5})
    require<ShapeError>(in[i].shape == Shape({n, units}) || in[i].shape == Shape({1, units}),
                        "{}: {} sequences and {} units want a {} state ({}, {}) or (1, {}), got {}",
                        op.name, n, units, i == 4 ? "hidden" : "cell", n, units, units,
                        in[i].shape);
  const TensorMeta state{{n, units}, in[0].dtype, in[0].device};
  return {{{n, x[1], units}, state.dtype, state.device}, state, state};
}

// The states between the steps are kept rather than computed again, which would take as long as the
// pass forward; a pass that nobody differentiates runs the form that keeps none.
Outputs forward(const op::Lstm& op, Inputs in, Saved* saved) {
  if (!saved) return compute(op, in);
  Outputs out = compute(op::LstmTrain{op.cell_clip}, in);
  for (const Tensor& kept : {in[0], in[1], in[2], in[4], in[5], out[0], out[3], out[4]})
    saved->keep(kept);
  out.resize(3);
  return out;
}

Grads backward(const op::Lstm& op, Saved&& saved, Grads g, const Needs& needs) {
  enum Kept { x, weight, recurrent, hidden, cell, y, gates, cells, kCount };
  std::vector<Tensor> kept;
  for (int i = 0; i < kCount; ++i) kept.push_back(saved.take(op.name, i));
  saved.clear();
  const Shape state = {kept[y].dim(0), kept[y].dim(2)};
  for (int i = 0; i < 3; ++i)
    if (!g[i].defined())
      g[i] = zeros(i == 0 ? kept[y].shape() : state, {kept[y].dtype(), kept[y].device()});
  const Outputs found =
      compute(op::LstmGrad{op.cell_clip},
              std::array{g[0], g[1], g[2], kept[recurrent], kept[cell], kept[gates], kept[cells]});
  const Tensor& sums = found[0];
  Grads result(6);
  if (needs[0]) result[0] = compute(op::MatMul{}, std::array{sums, kept[weight]})[0];
  if (needs[1]) result[1] = weight_gradient(sums, kept[x]);
  if (needs[2]) result[2] = weight_gradient(sums, hidden_before(kept[hidden], kept[y]));
  if (needs[3]) result[3] = sum(sums, {0, 1});
  if (needs[4]) result[4] = sum_to(found[1], kept[hidden].shape());
  if (needs[5]) result[5] = sum_to(found[2], kept[cell].shape());
  return result;
}

// Errors name lstm, which is what the user called.
OutputMetas infer(const op::LstmTrain& op, Metas in) {
  OutputMetas metas = infer(op::Lstm{op.cell_clip}, in);
  const Shape y = metas[0].shape;
  metas.push_back({{y[0], y[1], 4 * y[2]}, metas[0].dtype, metas[0].device});
  metas.push_back(metas[0]);
  return metas;
}

OutputMetas infer(const op::LstmGrad& op, Metas in) {
  require_inputs(op.name, in.size(), 7, 7);
  require_alike(op.name, in);
  return {in[5], in[1], in[2]};
}

}  // namespace tuco
