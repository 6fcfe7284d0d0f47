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

namespace {

// Of x, weight and, if there is one, a bias behind them.
TensorMeta infer_linear(std::string_view name, Metas in, bool bias) {
  require_alike(name, in);
  require_floating(name, in[0].dtype);
  const Shape &x = in[0].shape, &w = in[1].shape;
  require<ShapeError>(w.rank() == 2, "{}: weight {}, expected (out, in)", name, w);
  require<ShapeError>(x.rank() >= 1 && x.back() == w[1], "{}: input {}, weight {} wants {} last",
                      name, x, w, w[1]);
  require<ShapeError>(!bias || in[2].shape == Shape({w[0]}), "{}: bias {} for weight {}", name,
                      bias ? in[2].shape : Shape(), w);
  Shape result = x;
  result[x.rank() - 1] = w[0];
  return {result, in[0].dtype, in[0].device};
}

// The gradients of x, weight and, if there is one, the bias.
Grads linear_gradients(const Tensor& x, const Tensor& w, const Tensor& gradient,
                       const Needs& needs) {
  int64_t rows = 1;
  for (int i = 0; i < x.rank() - 1; ++i) rows *= x.dim(i);
  const Tensor g = reshape(gradient, {rows, w.dim(0)});
  Grads result(needs.size());
  if (needs[0]) result[0] = reshape(matmul(g, w), x.shape());
  if (needs[1]) result[1] = run_op1(op::MatMul{true, false}, {g, reshape(x, {rows, w.dim(1)})});
  if (needs.size() > 2 && needs[2]) result[2] = sum(g, {0});
  return result;
}

}  // namespace

OutputMetas infer(const op::Linear& op, Metas in) {
  require_inputs(op.name, in.size(), 2, 3);
  return {infer_linear(op.name, in, in.size() > 2)};
}
Outputs forward(const op::Linear& op, Inputs in, Saved* saved) {
  if (saved) {
    saved->keep(in[0]);
    saved->keep(in[1]);
  }
  return compute(op, in);
}
Grads backward(const op::Linear& op, Saved&& saved, Grads grads, const Needs& needs) {
  return linear_gradients(saved.take(op.name, 0), saved.take(op.name, 1), grads[0], needs);
}

OutputMetas infer(const op::FusedLinear& op, Metas in) {
  const size_t count = 2 + op.bias;
  require_inputs(op.name, in.size(), count, count);
  return {infer_linear(op.name, in, op.bias)};
}
Outputs forward(const op::FusedLinear& op, Inputs in, Saved* saved) {
  Outputs out = compute(op, in);
  if (saved)
    for (const Tensor& kept : {in[0], in[1], out[0]}) saved->keep(kept);
  return out;
}
Grads backward(const op::FusedLinear& op, Saved&& saved, Grads grads, const Needs& needs) {
  const Tensor x = saved.take(op.name, 0), w = saved.take(op.name, 1);
  return linear_gradients(x, w, clamp_gradient(grads[0], saved.take(op.name, 2), op.low, op.high),
                          needs);
}
Outputs lower(const op::FusedLinear& op, Inputs in) {
  return {lower_clamp(linear(in[0], in[1], op.bias ? in[2] : Tensor()), op.low, op.high)};
}

Tensor lower_clamp(const Tensor& x, double low, double high) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  if (low == -infinity && high == infinity) return x;
  return low == 0 && high == infinity ? relu(x) : clamp(x, low, high);
}

Tensor clamp_gradient(const Tensor& gradient, const Tensor& y, double low, double high) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  if (low == -infinity && high == infinity) return gradient;
  return compute(op::UnaryGrad<op::Clamp>{{low, high}}, std::array{gradient, y})[0];
}

}  // namespace tuco
