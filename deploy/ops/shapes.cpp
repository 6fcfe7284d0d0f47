// Ops that move integers without computing; input and output share scale and zero point.
#include "tuco/core/error.h"
#include "tuco/deploy/ops/emit.h"
#include "tuco/deploy/ops/stretches.h"
#include "tuco/deploy/rules.h"

namespace tuco::deploy {

void quantize(const op::Reshape& op, Quantizer& quantizer, Graph::Node& node) {
  require<UnsupportedOp>(op.shape.rank() > 0 && op.shape[0] == -1,
                         "reshape: to {} does not keep the batch first", op.shape);
  quantizer.like(node.outputs[0], node.inputs[0]);
}
void interpret(const op::Reshape&, const QuantizedNode&, Inputs in, Tensor& out) {
  std::copy_n(in[0].data<int8_t>(), out.numel(), out.data<int8_t>());
}
Int8Op lower(const op::Reshape& op, const QuantizedNode& node) { return {op, node.node.inputs}; }
void emit(const op::Reshape&, const QuantizedNode&, Program&) {
  // The output is the input's own memory (is_alias).
}

void quantize(const op::Concat& op, Quantizer& quantizer, Graph::Node& node) {
  require<UnsupportedOp>(op.dim > 0, "concat: along the batch has no int8 kernel");
  for (const int input : node.inputs) {
    const Graph::Value& value = quantizer.value(input);
    require<UnsupportedOp>(!value.constant.defined() || value.meta.shape[0] == 1,
                           "concat: a constant {} in a batch, which may be of any size",
                           value.meta.shape);
  }
  quantizer.joined(node);
}

namespace {

/// Elements from dimension `dim` on.
int64_t inner_size(const Shape& shape, int dim) {
  int64_t product = 1;
  for (int i = dim; i < shape.rank(); ++i) product *= shape[i];
  return product;
}

}  // namespace

void interpret(const op::Concat& op, const QuantizedNode&, Inputs in, Tensor& out) {
  const int64_t whole = inner_size(out.shape(), op.dim);
  int8_t* y = out.data<int8_t>();
  for (const Tensor& part : in) {
    const int64_t size = inner_size(part.shape(), op.dim);
    for (int64_t o = 0; o < part.numel() / std::max<int64_t>(1, size); ++o)
      std::copy_n(part.data<int8_t>() + o * size, size, y + o * whole);
    y += size;
  }
}

Int8Op lower(const op::Concat& op, const QuantizedNode& node) { return {op, node.node.inputs}; }

std::vector<int64_t> stretches_of(const op::Concat& op, const QuantizedNode& node) {
  std::vector<int64_t> stretches;
  if (inner_size(node.output().meta.shape, op.dim) != elements_per_image(node.output()))
    return stretches;
  int64_t offset = 0;
  for (int i = 0; i < node.inputs(); ++i) {
    stretches.push_back(offset);
    offset += elements_per_image(node.input(i));
  }
  return stretches;
}

void emit(const op::Concat& op, const QuantizedNode& node, Program& program) {
  const Shape& shape = node.output().meta.shape;
  const int64_t whole = inner_size(shape, op.dim);
  int64_t offset = 0;
  for (int i = 0; i < node.inputs(); ++i) {
    const int64_t part = inner_size(node.input(i).meta.shape, op.dim);
    const int64_t rows = elements_per_image(node.output()) / whole;
    const Argument from = program.operand(node.node.inputs[i], fmt::format("part{}", i));
    const Argument to = output_place(program, node);
    const bool is_there =
        rows == 1 && from.kind == Argument::Kind::kPlace && from.value == to.value + offset;
    if (!is_there) program.call("concat.h", "concat", {to, from, rows, part, whole, offset});
    offset += part;
  }
}

void quantize(const op::Pad& op, Quantizer& quantizer, Graph::Node& node) {
  const Shape& shape = quantizer.value(node.inputs[0]).meta.shape;
  require<UnsupportedOp>(shape.rank() == 4 && op.before[0] == 0 && op.after[0] == 0,
                         "pad: of {} by {} and {} has no int8 kernel", shape, op.before, op.after);
  quantizer.like(node.outputs[0], node.inputs[0]);
}

namespace {

int32_t padding_value(const op::Pad& op, const QuantizedNode& node) {
  const float q = std::round(static_cast<float>(op.value) / node.output_scale()) +
                  static_cast<float>(node.output_zero_point());
  return static_cast<int32_t>(std::clamp(q, -128.0f, 127.0f));
}

}  // namespace

void interpret(const op::Pad& op, const QuantizedNode& node, Inputs in, Tensor& out) {
  const Shape &from = in[0].shape(), &to = out.shape();
  const int8_t* x = in[0].data<int8_t>();
  int8_t* y = out.data<int8_t>();
  std::fill_n(y, out.numel(), static_cast<int8_t>(padding_value(op, node)));
  for (int64_t n = 0; n < from[0]; ++n)
    for (int64_t h = 0; h < from[1]; ++h)
      for (int64_t w = 0; w < from[2]; ++w)
        std::copy_n(
            x + ((n * from[1] + h) * from[2] + w) * from[3], from[3],
            y + ((n * to[1] + h + op.before[1]) * to[2] + w + op.before[2]) * to[3] + op.before[3]);
}

Int8Op lower(const op::Pad& op, const QuantizedNode& node) {
  return {op::Pad{op.before, op.after, static_cast<double>(padding_value(op, node))},
          node.node.inputs};
}

void emit(const op::Pad& op, const QuantizedNode& node, Program& program) {
  const Shape& shape = node.input(0).meta.shape;
  program.call("pad.h", "pad",
               {output_place(program, node), input_place(program, node), shape[1], shape[2],
                shape[3], op.before[1], op.after[1], op.before[2], op.after[2], op.before[3],
                op.after[3], padding_value(op, node)});
}

}  // namespace tuco::deploy
