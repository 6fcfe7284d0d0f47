// The larger and the smaller of two operands, of which the result has the scale.
#include "tuco/core/error.h"
#include "tuco/deploy/ops/broadcast.h"
#include "tuco/deploy/ops/emit.h"
#include "tuco/deploy/rules.h"

namespace tuco::deploy {
namespace {

template <class Op>
void quantize_choice(const Op& op, Quantizer& quantizer, Graph::Node& node) {
  broadcast_of(op.name, quantizer.value(node.inputs[0]), quantizer.value(node.inputs[1]));
  quantizer.joined(node);
}

template <class Choose>
void interpret_choice(Inputs in, Tensor& out, Choose&& choose) {
  const int8_t *a = in[0].data<int8_t>(), *b = in[1].data<int8_t>();
  int8_t* y = out.data<int8_t>();
  for_each_pair(in[0], in[1], out,
                [&](int64_t i, int64_t j, int64_t k) { y[k] = choose(a[i], b[j]); });
}

template <class Op>
void emit_choice(const Op& op, const QuantizedNode& node, Program& program) {
  const Argument broadcast =
      broadcast_structure(program, broadcast_of(op.name, node.input(0), node.input(1)));
  program.call("maximum.h", std::string(op.name),
               {output_place(program, node), operand(program, node, 0), operand(program, node, 1),
                broadcast});
}

}  // namespace

void quantize(const op::Maximum& op, Quantizer& quantizer, Graph::Node& node) {
  quantize_choice(op, quantizer, node);
}
void interpret(const op::Maximum&, const QuantizedNode&, Inputs in, Tensor& out) {
  interpret_choice(in, out, [](int8_t a, int8_t b) { return std::max(a, b); });
}
Int8Op lower(const op::Maximum& op, const QuantizedNode& node) { return {op, node.node.inputs}; }
void emit(const op::Maximum& op, const QuantizedNode& node, Program& program) {
  emit_choice(op, node, program);
}

void quantize(const op::Minimum& op, Quantizer& quantizer, Graph::Node& node) {
  quantize_choice(op, quantizer, node);
}
void interpret(const op::Minimum&, const QuantizedNode&, Inputs in, Tensor& out) {
  interpret_choice(in, out, [](int8_t a, int8_t b) { return std::min(a, b); });
}
Int8Op lower(const op::Minimum& op, const QuantizedNode& node) { return {op, node.node.inputs}; }
void emit(const op::Minimum& op, const QuantizedNode& node, Program& program) {
  emit_choice(op, node, program);
}

}  // namespace tuco::deploy
