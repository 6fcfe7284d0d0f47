#include "tuco/autograd/functions.h"
#include "tuco/autograd/rules.h"
#include "tuco/autograd/run_op.h"
#include "tuco/core/error.h"

namespace tuco {

OutputMetas infer(const op::MatMul& op, Metas in) {
  require_inputs(op.name, in.size(), 2, 2);
  require_alike(op.name, in);
  require_floating(op.name, in[0].dtype);
  const Shape &a = in[0].shape, &b = in[1].shape;
  require<ShapeError>(a.rank() >= 2 && b.rank() >= 2,
                      "matmul: shapes {} and {}, expected rank 2 or more", a, b);
  const auto rows = [](const Shape& s, bool t) { return s[s.rank() - (t ? 1 : 2)]; };
  const auto columns = [](const Shape& s, bool t) { return s[s.rank() - (t ? 2 : 1)]; };
  require<ShapeError>(columns(a, op.transpose_a) == rows(b, op.transpose_b),
                      "matmul: inner sizes {} and {} of {} and {} differ",
                      columns(a, op.transpose_a), rows(b, op.transpose_b), a, b);
  Shape result =
      broadcast(op.name, Shape({a.begin(), a.end() - 2}), Shape({b.begin(), b.end() - 2}));
  result.push_back(rows(a, op.transpose_a));
  result.push_back(columns(b, op.transpose_b));
  return {{result, in[0].dtype, in[0].device}};
}
Outputs forward(const op::MatMul& op, Inputs in, Saved* saved) {
  if (saved) {
    saved->keep(in[0]);
    saved->keep(in[1]);
  }
  return compute(op, in);
}
Grads backward(const op::MatMul& op, Saved&& saved, Grads grads, const Needs& needs) {
  const Tensor a = saved.take(op.name, 0), b = saved.take(op.name, 1), &g = grads[0];
  const auto product = [](const Tensor& x, bool tx, const Tensor& y, bool ty) {
    return run_op1(op::MatMul{tx, ty}, {x, y});
  };
  const auto [ta, tb] = op;
  Grads result(2);
  if (needs[0])
    result[0] = sum_to(ta ? product(b, tb, g, true) : product(g, false, b, !tb), a.shape());
  if (needs[1])
    result[1] = sum_to(tb ? product(g, true, a, ta) : product(a, !ta, g, false), b.shape());
  return result;
}

OutputMetas infer(const op::Linear& op, Metas in) {
  require_inputs(op.name, in.size(), 2, 3);
  require_alike(op.name, in);
  require_floating(op.name, in[0].dtype);
  const Shape &x = in[0].shape, &w = in[1].shape;
  require<ShapeError>(w.rank() == 2, "linear: weight {}, expected (out, in)", w);
  require<ShapeError>(x.rank() >= 1 && x.back() == w[1],
                      "linear: input {}, weight {} wants {} last", x, w, w[1]);
  require<ShapeError>(in.size() < 3 || in[2].shape == Shape({w[0]}),
                      "linear: bias {} for weight {}", in.size() < 3 ? Shape() : in[2].shape, w);
  Shape result = x;
  result[x.rank() - 1] = w[0];
  return {{result, in[0].dtype, in[0].device}};
}
Outputs forward(const op::Linear& op, Inputs in, Saved* saved) {
  if (saved) {
    saved->keep(in[0]);
    saved->keep(in[1]);
  }
  return compute(op, in);
}
Grads backward(const op::Linear& op, Saved&& saved, Grads grads, const Needs& needs) {
  const Tensor x = saved.take(op.name, 0), w = saved.take(op.name, 1);
  int64_t rows = 1;
  for (int i = 0; i < x.rank() - 1; ++i) rows *= x.dim(i);
  const Tensor g = reshape(grads[0], {rows, w.dim(0)});
  Grads result(needs.size());
  if (needs[0]) result[0] = reshape(matmul(g, w), x.shape());
  if (needs[1]) result[1] = run_op1(op::MatMul{true, false}, {g, reshape(x, {rows, w.dim(1)})});
  if (needs.size() > 2 && needs[2]) result[2] = sum(g, {0});
  return result;
}

}  // namespace tuco
