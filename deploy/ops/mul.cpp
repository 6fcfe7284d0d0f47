#include "tuco/core/error.h"
#include "tuco/deploy/ops/broadcast.h"
#include "tuco/deploy/ops/emit.h"
#include "tuco/deploy/reference_arithmetic.h"
#include "tuco/deploy/rules.h"

namespace tuco::deploy {
namespace {

Multiplier multiplier_of(const QuantizedNode& node) {
  return quantize_multiplier(
      product_factor(node.input_scale(0), node.input_scale(1), node.output_scale()), node.rounding);
}

}  // namespace

void quantize(const op::Mul& op, Quantizer& quantizer, Graph::Node& node) {
  broadcast_of(op.name, quantizer.value(node.inputs[0]), quantizer.value(node.inputs[1]));
  quantizer.constants(node);
  quantizer.calibrated(node.outputs[0]);
}

void interpret(const op::Mul&, const QuantizedNode& node, Inputs in, Tensor& out) {
  const Multiplier multiplier = multiplier_of(node);
  const auto bounds = node.bounds();
  const int8_t *a = in[0].data<int8_t>(), *b = in[1].data<int8_t>();
  int8_t* y = out.data<int8_t>();
  for_each_pair(in[0], in[1], out, [&](int64_t i, int64_t j, int64_t k) {
    const int32_t product = (a[i] - node.input_zero_point(0)) * (b[j] - node.input_zero_point(1));
    y[k] = requantized(product, multiplier, node.rounding, node.output_zero_point(), bounds.low,
                       bounds.high);
  });
}

Int8Op lower(const op::Mul&, const QuantizedNode& node) {
  return {op::QMul{node.input_zero_point(0), node.input_zero_point(1), multiplier_of(node),
                   node.requantize()},
          node.node.inputs};
}

void emit(const op::Mul& op, const QuantizedNode& node, Program& program) {
  const Multiplier multiplier = multiplier_of(node);
  const auto [low, high] = node.bounds();
  const Argument multiplication = program.structure(
      "tuco_multiplication", "multiplication",
      {Member::int32(node.input_zero_point(0)), Member::int32(node.input_zero_point(1)),
       Member::int32(node.output_zero_point()), Member::int32(multiplier.value),
       Member::int32(multiplier.shift), Member::int32(low), Member::int32(high),
       Member::argument(node.rounding)});
  const Argument broadcast =
      broadcast_structure(program, broadcast_of(op.name, node.input(0), node.input(1)));
  program.call("mul.h", "multiply",
               {output_place(program, node), operand(program, node, 0), operand(program, node, 1),
                broadcast, multiplication});
}

}  // namespace tuco::deploy
