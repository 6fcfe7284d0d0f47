// Resizing by the nearest pixel: integers move with their scale and zero point.
#include "tuco/core/ops/resize.h"

#include "tuco/core/error.h"
#include "tuco/deploy/ops/emit.h"
#include "tuco/deploy/rules.h"

namespace tuco::deploy {
namespace {

/// How far the source of each of `out` pixels is from that of the pixel before. Throws
/// UnsupportedOp where that is more than an int8 holds.
std::vector<int32_t> source_steps(const op::ResizeNearest& op, int64_t in, int64_t out) {
  std::vector<int32_t> steps;
  int64_t before = 0;
  for (int64_t i = 0; i < out; ++i) {
    const int64_t source = nearest_source(op, i, in, out);
    require<UnsupportedOp>(source - before <= 127, "{}: from {} to {} pixels has no int8 kernel",
                           op.name, in, out);
    steps.push_back(static_cast<int32_t>(source - before));
    before = source;
  }
  return steps;
}

}  // namespace

void quantize(const op::ResizeNearest& op, Quantizer& quantizer, Graph::Node& node) {
  const Shape& shape = quantizer.value(node.inputs[0]).meta.shape;
  source_steps(op, shape[1], op.size.h);
  source_steps(op, shape[2], op.size.w);
  quantizer.like(node.outputs[0], node.inputs[0]);
}

void interpret(const op::ResizeNearest& op, const QuantizedNode&, Inputs in, Tensor& out) {
  const Shape &from = in[0].shape(), &to = out.shape();
  const int8_t* x = in[0].data<int8_t>();
  int8_t* y = out.data<int8_t>();
  for (int64_t n = 0; n < to[0]; ++n)
    for (int64_t h = 0; h < to[1]; ++h)
      for (int64_t w = 0; w < to[2]; ++w) {
        const int64_t row = nearest_source(op, h, from[1], to[1]),
                      column = nearest_source(op, w, from[2], to[2]);
        std::copy_n(x + ((n * from[1] + row) * from[2] + column) * from[3], from[3],
                    y + ((n * to[1] + h) * to[2] + w) * to[3]);
      }
}

Int8Op lower(const op::ResizeNearest& op, const QuantizedNode& node) {
  return {op, node.node.inputs};
}

void emit(const op::ResizeNearest& op, const QuantizedNode& node, Program& program) {
  const Shape& shape = node.input(0).meta.shape;
  const auto y_steps = source_steps(op, shape[1], op.size.h),
             x_steps = source_steps(op, shape[2], op.size.w);
  const Argument rows = program.array("int8_t", "rows", y_steps);
  const Argument columns = x_steps == y_steps ? rows : program.array("int8_t", "columns", x_steps);
  program.call("resize.h", "resize_nearest",
               {output_place(program, node), input_place(program, node), shape[2], shape[3],
                op.size.h, op.size.w, rows, columns});
}

}  // namespace tuco::deploy
