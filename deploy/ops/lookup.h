// Functions of one number as tables of all 256 results: 256 bytes and a load for each number.
#pragma once
#include "tuco/autograd/functions.h"
#include "tuco/deploy/ops/emit.h"
#include "tuco/deploy/rules.h"

namespace tuco::deploy {

/// What the op's `interpret` rule makes of -128 to 127, int8 (256,); `others` are its inputs beside
/// the first.
template <class Op>
Tensor table_of(const Op& op, const QuantizedNode& node, const std::vector<Tensor>& others = {}) {
  std::vector<int8_t> all(256);
  for (int i = 0; i < 256; ++i) all[i] = static_cast<int8_t>(i - 128);
  std::vector<Tensor> in = {from_values(all, {256})};
  in.insert(in.end(), others.begin(), others.end());
  Tensor table = empty({256}, {DType::int8});
  interpret(op, node, in, table);
  return table;
}

/// Adds the call of the lookup of a table in the node's first input.
inline void emit_table(const Tensor& table, const QuantizedNode& node, Program& program) {
  const auto values = table.to_vector<int8_t>();
  const Argument array = program.array("int8_t", "table", {values.begin(), values.end()});
  program.call("lookup.h", "lookup",
               {output_place(program, node), input_place(program, node),
                elements_per_image(node.output()), array});
}

/// The rules `lower` and `emit` of an op on one tensor.
template <class Op>
Int8Op lookup(const Op& op, const QuantizedNode& node) {
  return {op::QLookup{}, node.node.inputs, {table_of(op, node)}};
}
template <class Op>
void emit_lookup(const Op& op, const QuantizedNode& node, Program& program) {
  emit_table(table_of(op, node), node, program);
}

}  // namespace tuco::deploy
