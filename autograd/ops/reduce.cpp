#include "tuco/autograd/functions.h"
#include "tuco/autograd/rules.h"
#include "tuco/core/error.h"

namespace tuco {
namespace {

/// The input's shape with the reduced dimensions at size 1.
Shape kept_shape(const Shape& shape, const Shape& dims) {
  Shape kept = shape;
  for (const int64_t d : dims) kept[static_cast<int>(d)] = 1;
  return kept;
}

OutputMetas infer_reduction(std::string_view op, const op::ReduceDims& options, Metas in) {
  require_inputs(op, in.size(), 1, 1);
  const Shape& shape = in[0].shape;
  Shape result;
  int next = 0;
  for (int i = 0; i < shape.rank(); ++i) {
    const bool reduced = next < options.dims.rank() && options.dims[next] == i;
    next += reduced;
    if (!reduced || options.keep) result.push_back(reduced ? 1 : shape[i]);
  }
  require<ShapeError>(next == options.dims.rank(), "{}: dimensions {} of a tensor of shape {}", op,
                      options.dims, shape);
  return {{result, in[0].dtype, in[0].device}};
}

void require_elements(std::string_view op, const op::ReduceDims& options, const Shape& shape) {
  for (const int64_t d : options.dims)
    require<ShapeError>(shape[static_cast<int>(d)] > 0, "{}: over no elements of {}", op, shape);
}

Tensor spread(const Tensor& g, const op::ReduceDims& op, const Shape& shape) {
  return expand(reshape(g, kept_shape(shape, op.dims)), shape);
}

}  // namespace

OutputMetas infer(const op::Sum& op, Metas in) { return infer_reduction(op.name, op, in); }
Outputs forward(const op::Sum& op, Inputs in, Saved* saved) {
  if (saved) saved->keep(in[0].shape());
  return compute(op, in);
}
Grads backward(const op::Sum& op, Saved&& saved, Grads g, const Needs&) {
  return {spread(g[0], op, saved.shape(0))};
}

OutputMetas infer(const op::Mean& op, Metas in) {
  auto metas = infer_reduction(op.name, op, in);
  require_floating(op.name, in[0].dtype);
  return metas;
}
Outputs forward(const op::Mean& op, Inputs in, Saved* saved) {
  if (saved) saved->keep(in[0].shape());
  return compute(op, in);
}
Grads backward(const op::Mean& op, Saved&& saved, Grads g, const Needs&) {
  const double count = static_cast<double>(saved.shape(0).numel()) /
                       static_cast<double>(std::max<int64_t>(1, g[0].numel()));
  return {spread(g[0] / count, op, saved.shape(0))};
}

OutputMetas infer(const op::Max& op, Metas in) {
  auto metas = infer_reduction(op.name, op, in);
  require_elements(op.name, op, in[0].shape);
  return metas;
}
Outputs forward(const op::Max& op, Inputs in, Saved* saved) {
  Outputs out = compute(op, in);
  if (saved) {
    saved->keep(in[0]);
    saved->keep(out[0]);
  }
  return out;
}
Grads backward(const op::Max& op, Saved&& saved, Grads g, const Needs&) {
  const Tensor x = saved.take(op.name, 0), y = saved.take(op.name, 1);
  const Tensor winners = equal(x, spread(y, op, x.shape())).to(x.dtype());
  const Tensor count = sum(winners, Dims(op.dims.begin(), op.dims.end()), true);
  return {winners * (spread(g[0], op, x.shape()) / count)};
}

OutputMetas infer(const op::ArgMax& op, Metas in) {
  auto metas = infer_reduction(op.name, op, in);
  require_elements(op.name, op, in[0].shape);
  require<ShapeError>(op.dims.rank() == 1, "argmax: over dimensions {}, expected one", op.dims);
  metas[0].dtype = DType::int64;
  return metas;
}

}  // namespace tuco
