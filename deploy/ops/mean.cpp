// Means and sums, which differ in the factor alone.
#include "tuco/core/error.h"
#include "tuco/deploy/ops/emit.h"
#include "tuco/deploy/reference_arithmetic.h"
#include "tuco/deploy/rules.h"

namespace tuco::deploy {
namespace {

/// A tensor seen as (outer, reduced, inner).
struct Blocks {
  int64_t outer = 1, reduced = 1, inner = 1;
};

/// Throws UnsupportedOp unless the dimensions are neighbours and leave the batch alone.
template <class Op>
Blocks blocks_of(const Op& op, const Shape& shape) {
  const int count = op.dims.rank();
  require<UnsupportedOp>(
      count > 0 && op.dims[0] > 0 && op.dims[count - 1] - op.dims[0] == count - 1,
      "{}: over dimensions {} of {} has no int8 kernel", Op::name, op.dims, shape);
  Blocks blocks;
  for (int i = 0; i < shape.rank(); ++i)
    (i < op.dims[0]            ? blocks.outer
     : i <= op.dims[count - 1] ? blocks.reduced
                               : blocks.inner) *= shape[i];
  return blocks;
}

Multiplier multiplier_of(const op::Sum&, const QuantizedNode& node, int64_t) {
  return quantize_multiplier(rescale_factor(node.input_scale(0), node.output_scale()),
                             node.rounding);
}
Multiplier multiplier_of(const op::Mean&, const QuantizedNode& node, int64_t reduced) {
  return mean_multiplier(multiplier_of(op::Sum{}, node, reduced), reduced);
}

template <class Op>
void quantize_reduction(const Op& op, Quantizer& quantizer, Graph::Node& node) {
  blocks_of(op, quantizer.value(node.inputs[0]).meta.shape);
  quantizer.calibrated(node.outputs[0]);
}

template <class Op>
void interpret_reduction(const Op& op, const QuantizedNode& node, Inputs in, Tensor& out) {
  const auto [outer, reduced, inner] = blocks_of(op, in[0].shape());
  const Multiplier multiplier = multiplier_of(op, node, reduced);
  const int8_t* x = in[0].data<int8_t>();
  int8_t* y = out.data<int8_t>();
  for (int64_t o = 0; o < outer; ++o)
    for (int64_t i = 0; i < inner; ++i) {
      int32_t sum = 0;
      for (int64_t k = 0; k < reduced; ++k)
        sum += x[(o * reduced + k) * inner + i] - node.input_zero_point(0);
      y[o * inner + i] =
          requantized(sum, multiplier, node.rounding, node.output_zero_point(), -128, 127);
    }
}

template <class Op>
Int8Op lower_reduction(const Op& op, const QuantizedNode& node) {
  const auto blocks = blocks_of(op, node.input(0).meta.shape);
  return {op::QMean{op,
                    node.input_zero_point(0),
                    multiplier_of(op, node, blocks.reduced),
                    {node.output_zero_point(), -128, 127, node.rounding}},
          node.node.inputs};
}

template <class Op>
void emit_reduction(const Op& op, const QuantizedNode& node, Program& program) {
  const Shape& shape = node.input(0).meta.shape;
  const auto [outer, reduced, inner] = blocks_of(op, shape);
  const Multiplier multiplier = multiplier_of(op, node, reduced);
  program.call("mean.h", "mean",
               {output_place(program, node), input_place(program, node), outer / shape[0], reduced,
                inner, node.input_zero_point(0), multiplier.value, multiplier.shift,
                node.output_zero_point(), node.rounding});
}

}  // namespace

void quantize(const op::Mean& op, Quantizer& quantizer, Graph::Node& node) {
  quantize_reduction(op, quantizer, node);
}
void interpret(const op::Mean& op, const QuantizedNode& node, Inputs in, Tensor& out) {
  interpret_reduction(op, node, in, out);
}
Int8Op lower(const op::Mean& op, const QuantizedNode& node) { return lower_reduction(op, node); }
void emit(const op::Mean& op, const QuantizedNode& node, Program& program) {
  emit_reduction(op, node, program);
}

void quantize(const op::Sum& op, Quantizer& quantizer, Graph::Node& node) {
  quantize_reduction(op, quantizer, node);
}
void interpret(const op::Sum& op, const QuantizedNode& node, Inputs in, Tensor& out) {
  interpret_reduction(op, node, in, out);
}
Int8Op lower(const op::Sum& op, const QuantizedNode& node) { return lower_reduction(op, node); }
void emit(const op::Sum& op, const QuantizedNode& node, Program& program) {
  emit_reduction(op, node, program);
}

}  // namespace tuco::deploy
