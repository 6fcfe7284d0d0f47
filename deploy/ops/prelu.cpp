#include "tuco/deploy/ops/broadcast.h"
#include "tuco/deploy/ops/lookup.h"
#include "tuco/deploy/reference_arithmetic.h"

namespace tuco::deploy {
namespace {

/// The factors from 0 on, and of the product with the slope below.
struct Factors {
  Multiplier above, below;
};

Factors factors_of(const QuantizedNode& node) {
  const auto factor = [&](float slope_scale) {
    return quantize_multiplier(
        product_factor(node.input_scale(0), slope_scale, node.output_scale()), node.rounding);
  };
  return {factor(1), factor(node.input_scale(1))};
}

/// One slope for all numbers, of which a table can be made; else a tensor without elements.
Tensor single_slope(const QuantizedNode& node) {
  const Tensor& slope = node.input(1).constant;
  const bool single = slope.defined() && slope.numel() == 1 && !node.input(0).constant.defined() &&
                      slope.rank() <= node.input(0).meta.shape.rank();
  return single ? reshape(slope, {}) : Tensor();
}

}  // namespace

void quantize(const op::PRelu& op, Quantizer& quantizer, Graph::Node& node) {
  broadcast_of(op.name, quantizer.value(node.inputs[0]), quantizer.value(node.inputs[1]));
  quantizer.constants(node);
  quantizer.calibrated(node.outputs[0]);
}

void interpret(const op::PRelu&, const QuantizedNode& node, Inputs in, Tensor& out) {
  const Factors factors = factors_of(node);
  const int8_t *x = in[0].data<int8_t>(), *slope = in[1].data<int8_t>();
  int8_t* y = out.data<int8_t>();
  for_each_pair(in[0], in[1], out, [&](int64_t i, int64_t j, int64_t k) {
    const int32_t value = x[i] - node.input_zero_point(0);
    const int32_t product = value * (slope[j] - node.input_zero_point(1));
    y[k] = requantized(value >= 0 ? value : product, value >= 0 ? factors.above : factors.below,
                       node.rounding, node.output_zero_point(), -128, 127);
  });
}

Int8Op lower(const op::PRelu& op, const QuantizedNode& node) {
  if (const Tensor slope = single_slope(node); slope.defined())
    return {op::QLookup{}, {node.node.inputs[0]}, {table_of(op, node, {slope})}};
  const auto [above, below] = factors_of(node);
  return {op::QPRelu{node.input_zero_point(0), node.input_zero_point(1), above, below,
                     node.requantize()},
          node.node.inputs};
}

void emit(const op::PRelu& op, const QuantizedNode& node, Program& program) {
  if (const Tensor slope = single_slope(node); slope.defined())
    return emit_table(table_of(op, node, {slope}), node, program);
  const auto [above, below] = factors_of(node);
  const Argument rectification = program.structure(
      "tuco_rectification", "rectification",
      {Member::int32(node.input_zero_point(0)), Member::int32(node.input_zero_point(1)),
       Member::int32(node.output_zero_point()), Member::int32(above.value),
       Member::int32(above.shift), Member::int32(below.value), Member::int32(below.shift),
       Member::argument(node.rounding)});
  const Argument broadcast =
      broadcast_structure(program, broadcast_of(op.name, node.input(0), node.input(1)));
  program.call("prelu.h", "prelu",
               {output_place(program, node), operand(program, node, 0), operand(program, node, 1),
                broadcast, rectification});
}

}  // namespace tuco::deploy
