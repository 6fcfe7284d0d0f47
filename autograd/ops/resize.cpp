#include "tuco/core/ops/resize.h"

#include "tuco/autograd/rules.h"
#include "tuco/core/error.h"

namespace tuco {
namespace {

/// What float32 counts exactly.
constexpr int64_t kMaxSide = 1 << 24;

void require_images(std::string_view op, const Shape& shape, const Hw& to) {
  require<ShapeError>(shape.rank() == 4 && shape[1] > 0 && shape[2] > 0,
                      "{}: input {}, expected images (n, h, w, c) with pixels", op, shape);
  require<ShapeError>(to.h > 0 && to.w > 0 && to.h <= kMaxSide && to.w <= kMaxSide,
                      "{}: to {} x {} pixels", op, to.h, to.w);
}

}  // namespace

OutputMetas infer(const op::ResizeNearest& op, Metas in) {
  require_inputs(op.name, in.size(), 1, 1);
  const Shape& shape = in[0].shape;
  require_images(op.name, shape, op.size);
  return {{{shape[0], op.size.h, op.size.w, shape[3]}, in[0].dtype, in[0].device}};
}
Outputs forward(const op::ResizeNearest& op, Inputs in, Saved* saved) {
  if (saved) saved->keep(in[0].shape());
  return compute(op, in);
}
Grads backward(const op::ResizeNearest& op, Saved&& saved, Grads g, const Needs&) {
  const Shape& images = saved.shape(0);
  return compute(op::ResizeNearestGrad{op, {images[1], images[2]}}, g);
}
OutputMetas infer(const op::ResizeNearestGrad& op, Metas in) {
  require_inputs(op.name, in.size(), 1, 1);
  require_floating(op.name, in[0].dtype);
  const Shape& shape = in[0].shape;
  require_images(op.name, shape, op.from);
  require<ShapeError>(Hw(shape[1], shape[2]) == op.resize.size,
                      "{}: gradient {} of images resized to {} x {}", op.name, shape,
                      op.resize.size.h, op.resize.size.w);
  return {{{shape[0], op.from.h, op.from.w, shape[3]}, in[0].dtype, in[0].device}};
}

}  // namespace tuco
