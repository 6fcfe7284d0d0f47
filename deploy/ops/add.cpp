// Addition and subtraction, whose arithmetic is one.
#include "tuco/core/error.h"
#include "tuco/deploy/ops/broadcast.h"
#include "tuco/deploy/ops/emit.h"
#include "tuco/deploy/reference_arithmetic.h"
#include "tuco/deploy/rules.h"

namespace tuco::deploy {
namespace {

AddMultipliers multipliers(const QuantizedNode& node) {
  return add_multipliers(node.input_scale(0), node.input_scale(1), node.output_scale(),
                         node.rounding);
}

template <class Op>
constexpr bool kSubtracts = std::is_same_v<Op, op::Sub>;

template <class Op>
void quantize_sum(const Op& op, Quantizer& quantizer, Graph::Node& node) {
  broadcast_of(op.name, quantizer.value(node.inputs[0]), quantizer.value(node.inputs[1]));
  quantizer.constants(node);
  quantizer.calibrated(node.outputs[0]);
}

template <class Op>
void interpret_sum(const QuantizedNode& node, Inputs in, Tensor& out) {
  const auto [ma, mb, mo] = multipliers(node);
  const auto [low, high] = node.bounds();
  const int8_t *a = in[0].data<int8_t>(), *b = in[1].data<int8_t>();
  int8_t* y = out.data<int8_t>();
  for_each_pair(
      in[0], in[1], out,
      [&, ma = ma, mb = mb, mo = mo, low = low, high = high](int64_t i, int64_t j, int64_t k) {
        const int32_t x = scaled((a[i] - node.input_zero_point(0)) * (1 << 20), ma, node.rounding);
        const int32_t z = scaled((b[j] - node.input_zero_point(1)) * (1 << 20), mb, node.rounding);
        y[k] = requantized(kSubtracts<Op> ? x - z : x + z, mo, node.rounding,
                           node.output_zero_point(), low, high);
      });
}

op::QAdd lowered_sum(const QuantizedNode& node) {
  const auto [a, b, sum] = multipliers(node);
  return {node.input_zero_point(0), node.input_zero_point(1), a, b, sum, node.requantize()};
}

/// Writes the call of the quick addition; false, and nothing, where the factors do not suit it.
bool emit_quick_sum(const AddMultipliers& m, const QuantizedNode& node, Program& program) {
  const auto suits = [](const Multiplier& factor) {
    return factor.shift <= -1 && factor.shift >= -31;
  };
  const auto is_half = [](const Multiplier& factor) { return factor == Multiplier{1 << 30, 0}; };
  if (node.rounding != Rounding::kDouble || !suits(m.out) || !(suits(m.a) || is_half(m.a)) ||
      !(suits(m.b) || is_half(m.b)))
    return false;
  const auto left = [&](const Multiplier& factor) { return is_half(factor) ? 22 : 21; };
  const auto right = [&](const Multiplier& factor) { return is_half(factor) ? 1 : -factor.shift; };
  const auto [low, high] = node.bounds();
  const Argument addition = program.structure(
      "tuco_quick_addition", "addition",
      {Member::int32(m.a.value), Member::int32(m.b.value), Member::int32(m.out.value),
       Member::int16(node.input_zero_point(0)), Member::int16(node.input_zero_point(1)),
       Member::int16(node.output_zero_point()), Member::int8(left(m.a)), Member::int8(left(m.b)),
       Member::int8(right(m.a)), Member::int8(right(m.b)), Member::int8(-m.out.shift)});
  program.call("quick_add.h", "quick_add",
               {output_place(program, node), operand(program, node, 0), operand(program, node, 1),
                elements_per_image(node.output()), addition, low, high});
  return true;
}

template <class Op>
void emit_sum(const Op& op, const QuantizedNode& node, Program& program) {
  const AddMultipliers factors = multipliers(node);
  const auto [ma, mb, mo] = factors;
  const auto [low, high] = node.bounds();
  const Broadcast broadcast = broadcast_of(op.name, node.input(0), node.input(1));
  if (!kSubtracts<Op> && broadcast.is_flat() && emit_quick_sum(factors, node, program)) return;
  const Argument addition = program.structure(
      "tuco_addition", "addition",
      {Member::int32(node.input_zero_point(0)), Member::int32(ma.value), Member::int32(ma.shift),
       Member::int32(node.input_zero_point(1)), Member::int32(mb.value), Member::int32(mb.shift),
       Member::int32(node.output_zero_point()), Member::int32(mo.value), Member::int32(mo.shift),
       Member::int32(low), Member::int32(high), Member::argument(node.rounding)});
  const Argument out = output_place(program, node), a = operand(program, node, 0),
                 b = operand(program, node, 1);
  if (!kSubtracts<Op> && broadcast.is_flat())
    program.call("add.h", "add", {out, a, b, elements_per_image(node.output()), addition});
  else
    program.call("add.h", kSubtracts<Op> ? "subtract" : "add_broadcast",
                 {out, a, b, broadcast_structure(program, broadcast), addition});
}

}  // namespace

void quantize(const op::Add& op, Quantizer& quantizer, Graph::Node& node) {
  quantize_sum(op, quantizer, node);
}
void interpret(const op::Add&, const QuantizedNode& node, Inputs in, Tensor& out) {
  interpret_sum<op::Add>(node, in, out);
}
Int8Op lower(const op::Add&, const QuantizedNode& node) {
  return {lowered_sum(node), node.node.inputs};
}
void emit(const op::Add& op, const QuantizedNode& node, Program& program) {
  emit_sum(op, node, program);
}

void quantize(const op::Sub& op, Quantizer& quantizer, Graph::Node& node) {
  quantize_sum(op, quantizer, node);
}
void interpret(const op::Sub&, const QuantizedNode& node, Inputs in, Tensor& out) {
  interpret_sum<op::Sub>(node, in, out);
}
Int8Op lower(const op::Sub&, const QuantizedNode& node) {
  return {op::QSub{lowered_sum(node)}, node.node.inputs};
}
void emit(const op::Sub& op, const QuantizedNode& node, Program& program) {
  emit_sum(op, node, program);
}

}  // namespace tuco::deploy
