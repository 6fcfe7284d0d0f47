// Copies, such as states that cannot be changed in their place need (deploy/states.h).
#include <cstring>

#include "tuco/core/error.h"
#include "tuco/deploy/ops/emit.h"
#include "tuco/deploy/rules.h"

namespace tuco::deploy {

void quantize(const op::Copy&, Quantizer& quantizer, Graph::Node& node) {
  quantizer.like(node.outputs[0], node.inputs[0]);
}

void interpret(const op::Copy&, const QuantizedNode&, Inputs in, Tensor& out) {
  std::memcpy(out.raw(), in[0].raw(), out.numel() * size_of(out.dtype()));
}

Int8Op lower(const op::Copy& op, const QuantizedNode& node) { return {op, node.node.inputs}; }

void emit(const op::Copy&, const QuantizedNode& node, Program& program) {
  const int64_t bytes = bytes_per_image(node.output());
  program.call("concat.h", "concat",
               {output_place(program, node), operand(program, node, 0), 1, bytes, bytes, 0});
}

}  // namespace tuco::deploy
