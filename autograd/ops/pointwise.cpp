// Rules of the point-wise ops. The gradients of unary formulas are kernels, beside the formulas;
// those of binary ones are written in ops here.
#include "tuco/autograd/functions.h"
#include "tuco/autograd/rules.h"
#include "tuco/autograd/run_op.h"
#include "tuco/core/error.h"

namespace tuco {
namespace {

bool is_integer(DType dtype) { return dtype == DType::int32 || dtype == DType::int64; }

/// Whether the formula is exact in integers of the type.
bool takes_integers(const op::Affine& f, DType dtype) {
  const double limit = dtype == DType::int32 ? 0x1p31 : 0x1p63;
  const auto fits = [limit](double v) { return v == std::floor(v) && v >= -limit && v < limit; };
  return fits(f.scale) && fits(f.shift);
}
bool takes_integers(const op::Clamp& f, DType) {
  // Infinite bounds, and finite ones beyond the type, leave all its numbers as they are.
  return f.low == std::floor(f.low) && f.high == std::floor(f.high);
}
bool takes_integers(const op::Abs&, DType) { return true; }
bool takes_integers(const op::Relu&, DType) { return true; }
template <class Op>
bool takes_integers(const Op&, DType) {
  return false;
}

OutputMetas infer_binary(std::string_view op, Metas in) {
  require_inputs(op, in.size(), 2, 2);
  require_alike(op, in);
  return {{broadcast(op, in[0].shape, in[1].shape), in[0].dtype, in[0].device}};
}

}  // namespace

Tensor sum_to(const Tensor& gradient, const Shape& shape) {
  if (gradient.shape() == shape) return gradient;
  const int lead = gradient.rank() - shape.rank();
  Dims dims;
  for (int i = 0; i < gradient.rank(); ++i)
    if (i < lead || (shape[i - lead] == 1 && gradient.shape()[i] != 1)) dims.push_back(i);
  return reshape(sum(gradient, dims, true), shape);
}

template <op::Unary Op>
OutputMetas infer(const Op& op, Metas in) {
  require_inputs(Op::name, in.size(), 1, 1);
  if (!(is_integer(in[0].dtype) && takes_integers(op, in[0].dtype)))
    require_floating(Op::name, in[0].dtype);
  return {in[0]};
}
template <op::Unary Op>
OutputMetas infer(const op::UnaryGrad<Op>&, Metas in) {
  require_inputs(Op::name, in.size(), 2, 2);
  return {in[0]};
}
template <op::Unary Op>
Outputs forward(const Op& op, Inputs in, Saved* saved) {
  Outputs out = compute(op, in);
  // An affine map's gradient needs no values.
  if (saved && !std::is_same_v<Op, op::Affine>)
    saved->keep(Op::grad_from == op::From::input ? in[0] : out[0]);
  return out;
}
template <op::Unary Op>
Grads backward(const Op& op, Saved&& saved, Grads g, const Needs&) {
  if constexpr (std::is_same_v<Op, op::Affine>) {
    return compute(op::Affine{op.scale, 0}, g);
  } else {
    const Tensor inputs[] = {g[0], saved.take(Op::name, 0)};
    return compute(op::UnaryGrad<Op>{op}, inputs);
  }
}

template <op::Binary Op>
OutputMetas infer(const Op&, Metas in) {
  auto metas = infer_binary(Op::name, in);
  if (std::is_same_v<Op, op::Div>) require_floating(Op::name, in[0].dtype);
  return metas;
}
template <op::Compare Op>
OutputMetas infer(const Op&, Metas in) {
  auto metas = infer_binary(Op::name, in);
  metas[0].dtype = DType::bool_;
  return metas;
}

namespace {

/// For gradients that need the operands' values.
Outputs forward_keeping_values(const op::Any& op, Inputs in, Saved* saved) {
  if (saved) {
    saved->keep(in[0]);
    saved->keep(in[1]);
  }
  return compute(op, in);
}

/// For gradients that need no more than the operands' shapes.
Outputs forward_keeping_shapes(const op::Any& op, Inputs in, Saved* saved) {
  if (saved) {
    saved->keep(in[0].shape());
    saved->keep(in[1].shape());
  }
  return compute(op, in);
}

/// Gradients of max(a, b), or with `larger` false of min(a, b); equal operands share them.
Grads backward_of_choice(std::string_view name, Saved& saved, const Tensor& g, const Needs& needs,
                         bool larger) {
  const Tensor a = saved.take(name, 0), b = saved.take(name, 1);
  const Tensor zero = zeros({}, {g.dtype(), g.device()});
  const Tensor half = where(equal(a, b), g * 0.5, zero);
  const Tensor &low = larger ? b : a, &high = larger ? a : b;
  return {needs[0] ? sum_to(where(less(low, high), g, half), a.shape()) : Tensor(),
          needs[1] ? sum_to(where(less(high, low), g, half), b.shape()) : Tensor()};
}

}  // namespace

Outputs forward(const op::Add& op, Inputs in, Saved* saved) {
  return forward_keeping_shapes(op, in, saved);
}
Grads backward(const op::Add&, Saved&& saved, Grads g, const Needs& needs) {
  return {needs[0] ? sum_to(g[0], saved.shape(0)) : Tensor(),
          needs[1] ? sum_to(g[0], saved.shape(1)) : Tensor()};
}

Outputs forward(const op::Sub& op, Inputs in, Saved* saved) {
  return forward_keeping_shapes(op, in, saved);
}
Grads backward(const op::Sub&, Saved&& saved, Grads g, const Needs& needs) {
  return {needs[0] ? sum_to(g[0], saved.shape(0)) : Tensor(),
          needs[1] ? -sum_to(g[0], saved.shape(1)) : Tensor()};
}

Outputs forward(const op::Mul& op, Inputs in, Saved* saved) {
  return forward_keeping_values(op, in, saved);
}
Grads backward(const op::Mul& op, Saved&& saved, Grads g, const Needs& needs) {
  const Tensor a = saved.take(op.name, 0), b = saved.take(op.name, 1);
  return {needs[0] ? sum_to(g[0] * b, a.shape()) : Tensor(),
          needs[1] ? sum_to(g[0] * a, b.shape()) : Tensor()};
}

Outputs forward(const op::Div& op, Inputs in, Saved* saved) {
  return forward_keeping_values(op, in, saved);
}
Grads backward(const op::Div& op, Saved&& saved, Grads g, const Needs& needs) {
  const Tensor a = saved.take(op.name, 0), b = saved.take(op.name, 1);
  const Tensor quotient = g[0] / b;
  return {needs[0] ? sum_to(quotient, a.shape()) : Tensor(),
          needs[1] ? -sum_to(quotient * a / b, b.shape()) : Tensor()};
}

Outputs forward(const op::Maximum& op, Inputs in, Saved* saved) {
  return forward_keeping_values(op, in, saved);
}
Grads backward(const op::Maximum& op, Saved&& saved, Grads g, const Needs& needs) {
  return backward_of_choice(op.name, saved, g[0], needs, true);
}

Outputs forward(const op::Minimum& op, Inputs in, Saved* saved) {
  return forward_keeping_values(op, in, saved);
}
Grads backward(const op::Minimum& op, Saved&& saved, Grads g, const Needs& needs) {
  return backward_of_choice(op.name, saved, g[0], needs, false);
}

Outputs forward(const op::PRelu& op, Inputs in, Saved* saved) {
  return forward_keeping_values(op, in, saved);
}
Grads backward(const op::PRelu& op, Saved&& saved, Grads g, const Needs& needs) {
  const Tensor x = saved.take(op.name, 0), slope = saved.take(op.name, 1);
  const Tensor zero = zeros({}, {g[0].dtype(), g[0].device()});
  return {needs[0] ? sum_to(where(less(zero, x), g[0], g[0] * slope), x.shape()) : Tensor(),
          needs[1] ? sum_to(g[0] * minimum(x, zero), slope.shape()) : Tensor()};
}

Outputs forward(const op::AddRelu& op, Inputs in, Saved* saved) {
  Outputs out = forward_keeping_shapes(op, in, saved);
  if (saved) saved->keep(out[0]);
  return out;
}
Grads backward(const op::AddRelu& op, Saved&& saved, Grads g, const Needs& needs) {
  g = compute(op::UnaryGrad<op::Relu>{}, std::array{g[0], saved.take(op.name, 0)});
  return backward(op::Add{}, std::move(saved), std::move(g), needs);
}
Outputs lower(const op::AddRelu&, Inputs in) { return {relu(in[0] + in[1])}; }

namespace {

template <class Op>
using InferRule = OutputMetas (*)(const Op&, Metas);
template <class Op>
using ForwardRule = Outputs (*)(const Op&, Inputs, Saved*);
template <class Op>
using BackwardRule = Grads (*)(const Op&, Saved&&, Grads, const Needs&);

/// Takes the address of every rule of the families, so that all of them are compiled here.
template <class... U, class... B, class... C>
auto instantiate(op::TypeList<U...>, op::TypeList<B...>, op::TypeList<C...>) {
  return std::tuple{InferRule<U>(infer)...,       ForwardRule<U>(forward)...,
                    BackwardRule<U>(backward)..., InferRule<op::UnaryGrad<U>>(infer)...,
                    InferRule<B>(infer)...,       InferRule<C>(infer)...};
}
[[maybe_unused]] const auto kInstances =
    instantiate(op::UnaryList{}, op::BinaryList{}, op::CompareList{});

}  // namespace
}  // namespace tuco
