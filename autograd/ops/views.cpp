#include "tuco/autograd/functions.h"
#include "tuco/autograd/rules.h"
#include "tuco/autograd/run_op.h"
#include "tuco/core/error.h"

namespace tuco {
namespace {

Outputs view(const Tensor& x, const Layout& layout) {
  return {Tensor(x.storage(), layout, x.dtype())};
}

/// Replaces the one -1 of `shape` by what makes it hold `numel` elements.
Shape resolve(const Shape& shape, const Shape& from) {
  Shape result = shape;
  int unknown = -1;
  for (int i = 0; i < shape.rank(); ++i) {
    if (shape[i] == -1) {
      require<ShapeError>(unknown < 0, "reshape: two sizes of -1 in {}", shape);
      unknown = i;
      result[i] = 1;
    } else {
      require<ShapeError>(shape[i] >= 0, "reshape: negative size in {}", shape);
    }
  }
  const int64_t known = result.numel();
  if (unknown >= 0 && known > 0) result[unknown] = from.numel() / known;
  require<ShapeError>(result.numel() == from.numel() && (unknown < 0 || known > 0),
                      "reshape: {} elements of {} do not fit {}", from.numel(), from, shape);
  return result;
}

}  // namespace

OutputMetas infer(const op::Slice& op, Metas in) {
  require_inputs(op.name, in.size(), 1, 1);
  const Shape& shape = in[0].shape;
  require<ShapeError>(op.dim >= 0 && op.dim < shape.rank() && op.start >= 0 &&
                          op.start <= op.stop && op.stop <= shape[op.dim] && op.step > 0,
                      "slice: {} to {} step {} of dimension {} of {}", op.start, op.stop, op.step,
                      op.dim, shape);
  return {
      {Layout(shape).slice(op.dim, op.start, op.stop, op.step).shape, in[0].dtype, in[0].device}};
}
Outputs forward(const op::Slice& op, Inputs in, Saved* saved) {
  (void)infer_op(op, std::array{in[0].meta()});
  if (saved) saved->keep(in[0].shape());
  return view(in[0], in[0].layout().slice(op.dim, op.start, op.stop, op.step));
}
Grads backward(const op::Slice& op, Saved&& saved, Grads g, const Needs&) {
  Tensor whole = zeros(saved.shape(0), {g[0].dtype(), g[0].device()});
  slice(whole, op.dim, op.start, op.stop, op.step).copy_(g[0]);
  return {whole};
}

OutputMetas infer(const op::Permute& op, Metas in) {
  require_inputs(op.name, in.size(), 1, 1);
  const Shape& shape = in[0].shape;
  Shape sorted = op.order;
  std::sort(sorted.begin(), sorted.end());
  bool is_permutation = sorted.rank() == shape.rank();
  for (int i = 0; i < sorted.rank(); ++i) is_permutation &= sorted[i] == i;
  require<ShapeError>(is_permutation, "permute: order {} for a tensor of shape {}", op.order,
                      shape);
  Shape result;
  for (const int64_t d : op.order) result.push_back(shape[static_cast<int>(d)]);
  return {{result, in[0].dtype, in[0].device}};
}
Outputs forward(const op::Permute& op, Inputs in, Saved*) {
  (void)infer_op(op, std::array{in[0].meta()});
  const std::vector<int> order(op.order.begin(), op.order.end());
  return view(in[0], in[0].layout().permute(order));
}
Grads backward(const op::Permute& op, Saved&&, Grads g, const Needs&) {
  Dims inverse(op.order.rank());
  for (int i = 0; i < op.order.rank(); ++i) inverse[op.order[i]] = i;
  return {permute(g[0], inverse)};
}

OutputMetas infer(const op::Reshape& op, Metas in) {
  require_inputs(op.name, in.size(), 1, 1);
  return {{resolve(op.shape, in[0].shape), in[0].dtype, in[0].device}};
}
Outputs forward(const op::Reshape& op, Inputs in, Saved* saved) {
  const Shape shape = resolve(op.shape, in[0].shape());
  if (saved) saved->keep(in[0].shape());
  if (const auto layout = in[0].layout().reshape(shape)) return view(in[0], *layout);
  const Tensor copy = dense(in[0]);
  return view(copy, Layout(shape, dense_strides(shape), copy.layout().offset));
}
Grads backward(const op::Reshape&, Saved&& saved, Grads g, const Needs&) {
  return {reshape(g[0], saved.shape(0))};
}

OutputMetas infer(const op::Expand& op, Metas in) {
  require_inputs(op.name, in.size(), 1, 1);
  require<ShapeError>(broadcasts_to(in[0].shape, op.shape),
                      "expand: shape {} does not broadcast to {}", in[0].shape, op.shape);
  for (const int64_t size : op.shape)
    require<ShapeError>(size >= 0, "expand: negative size in {}", op.shape);
  require<ShapeError>(op.shape.numel() <= kMaxElements, "expand: {} has too many elements",
                      op.shape);
  return {{op.shape, in[0].dtype, in[0].device}};
}
Outputs forward(const op::Expand& op, Inputs in, Saved* saved) {
  (void)infer_op(op, std::array{in[0].meta()});
  if (saved) saved->keep(in[0].shape());
  return view(in[0], in[0].layout().expand(op.shape));
}
Grads backward(const op::Expand&, Saved&& saved, Grads g, const Needs&) {
  return {sum_to(g[0], saved.shape(0))};
}

}  // namespace tuco
