// Slices and permutations: copies of what a view of an image shows, with its scale and zero point.
#include "tuco/core/error.h"
#include "tuco/core/layout.h"
#include "tuco/deploy/ops/emit.h"
#include "tuco/deploy/ops/stretches.h"
#include "tuco/deploy/rules.h"

namespace tuco::deploy {
namespace {

/// Dimensions that the runtime's kernel walks over.
constexpr size_t kMaxRank = 4;

Layout view_of(const op::Slice& op, const Shape& shape) {
  return Layout(shape).slice(op.dim, op.start, op.stop, op.step);
}
Layout view_of(const op::Permute& op, const Shape& shape) {
  return Layout(shape).permute(std::vector<int>(op.order.begin(), op.order.end()));
}

bool keeps_batch(const op::Slice& op) { return op.dim > 0; }
bool keeps_batch(const op::Permute& op) { return op.order.rank() > 0 && op.order[0] == 0; }

/// A view of one image: sizes and steps, neighbours merged where they lie dense.
struct ImageView {
  std::vector<int64_t> size, step;
  int64_t offset = 0;
};

/// Throws UnsupportedOp unless images stay apart and the kernel has dimensions enough.
template <class Op>
ImageView image_view(const Op& op, const Shape& shape) {
  require<UnsupportedOp>(keeps_batch(op), "{}: of the batch has no int8 kernel", op.name);
  const Layout layout = view_of(op, shape);
  ImageView view{.offset = layout.offset};
  for (int d = 1; d < layout.shape.rank(); ++d) {
    const int64_t size = layout.shape[d], step = layout.strides[d];
    if (size == 1) continue;
    if (!view.size.empty() && view.step.back() == step * size) {
      view.size.back() *= size;
      view.step.back() = step;
    } else {
      view.size.push_back(size);
      view.step.push_back(step);
    }
  }
  require<UnsupportedOp>(view.size.size() <= kMaxRank,
                         "{}: no int8 kernel walks over {} in {} dimensions", op.name, shape,
                         view.size.size());
  view.size.insert(view.size.begin(), kMaxRank - view.size.size(), 1);
  view.step.insert(view.step.begin(), kMaxRank - view.step.size(), 1);
  return view;
}

template <class Op>
void quantize_view(const Op& op, Quantizer& quantizer, Graph::Node& node) {
  image_view(op, quantizer.value(node.inputs[0]).meta.shape);
  quantizer.like(node.outputs[0], node.inputs[0]);
}

template <class Op>
void interpret_view(const Op& op, Inputs in, Tensor& out) {
  const Layout view = view_of(op, in[0].shape());
  const int8_t* x = in[0].data<int8_t>();
  int8_t* y = out.data<int8_t>();
  for (int64_t i = 0; i < out.numel(); ++i) {
    int64_t at = view.offset, rest = i;
    for (int d = view.shape.rank() - 1; d >= 0; rest /= view.shape[d--])
      at += rest % view.shape[d] * view.strides[d];
    y[i] = x[at];
  }
}

template <class Op>
std::optional<int64_t> stretch(const Op& op, const Shape& shape) {
  const ImageView view = image_view(op, shape);
  const bool is_dense = view.size[kMaxRank - 2] == 1 && view.step[kMaxRank - 1] == 1;
  return is_dense ? std::optional(view.offset) : std::nullopt;
}

template <class Op>
void emit_view(const Op& op, const QuantizedNode& node, Program& program) {
  const ImageView view = image_view(op, node.input(0).meta.shape);
  const Argument place = program.place(node.node.inputs[0], view.offset);
  if (place.value == output_place(program, node).value && stretch(op, node.input(0).meta.shape))
    return;  // the bytes are there
  const Argument strides = program.structure(
      "tuco_strides", "view", {Member::int32s(view.size), Member::int32s(view.step)});
  program.call("copy_strided.h", "copy_strided", {output_place(program, node), place, strides});
}

}  // namespace

std::optional<int64_t> stretch_of(const op::Slice& op, const Shape& shape) {
  return stretch(op, shape);
}
std::optional<int64_t> stretch_of(const op::Permute& op, const Shape& shape) {
  return stretch(op, shape);
}

void quantize(const op::Slice& op, Quantizer& quantizer, Graph::Node& node) {
  quantize_view(op, quantizer, node);
}
void interpret(const op::Slice& op, const QuantizedNode&, Inputs in, Tensor& out) {
  interpret_view(op, in, out);
}
Int8Op lower(const op::Slice& op, const QuantizedNode& node) { return {op, node.node.inputs}; }
void emit(const op::Slice& op, const QuantizedNode& node, Program& program) {
  emit_view(op, node, program);
}

void quantize(const op::Permute& op, Quantizer& quantizer, Graph::Node& node) {
  quantize_view(op, quantizer, node);
}
void interpret(const op::Permute& op, const QuantizedNode&, Inputs in, Tensor& out) {
  interpret_view(op, in, out);
}
Int8Op lower(const op::Permute& op, const QuantizedNode& node) { return {op, node.node.inputs}; }
void emit(const op::Permute& op, const QuantizedNode& node, Program& program) {
  emit_view(op, node, program);
}

}  // namespace tuco::deploy
