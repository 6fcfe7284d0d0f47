// Operators that compute on each element, softmax, and changes of scale.
#include <cmath>

#include "tuco/core/error.h"
#include "tuco/deploy/multiplier.h"
#include "tuco/deploy/ops/chain.h"
#include "tuco/deploy/tflite/exporter.h"

namespace tuco::tflite {
namespace {

using schema::BuiltinOperator;

std::vector<int> both(NodeExport& node) { return {node.in(0), node.in(1)}; }

/// Adds an operator on the input and a constant.
void add_with_number(NodeExport& node, BuiltinOperator code, int input, double value, int output) {
  Builder& builder = node.builder();
  const auto none = schema::ActivationFunctionType::NONE;
  node.add(code, {input, node.number(value, {})},
           code == BuiltinOperator::MUL ? builder.add_options(schema::CreateMulOptions, none)
                                        : builder.add_options(schema::CreateAddOptions, none, true),
           output);
}

/// Adds the operators of a chain, of one number each, from the input to the output.
void add_chain(const Graph& chain, NodeExport& node) {
  Builder& builder = node.builder();
  const auto none = schema::ActivationFunctionType::NONE;
  std::vector<int> tensors(chain.values.size(), -1);
  tensors[chain.inputs[0]] = node.in(0);
  tensors[chain.outputs[0]] = node.out();
  const auto tensor_of = [&](int v) {
    const Graph::Value& value = chain.values[v];
    if (tensors[v] < 0)
      tensors[v] = value.constant.defined()
                       ? builder.add_constant(node.result().name + ".number", value.constant,
                                              value.quantization)
                       : node.between(node.result_shape(), value.quantization);
    return tensors[v];
  };
  for (const Graph::Node& part : chain.nodes) {
    std::vector<int> inputs;
    for (const int v : part.inputs) inputs.push_back(tensor_of(v));
    const int output = tensor_of(part.outputs[0]);
    if (std::holds_alternative<op::Mul>(part.op))
      node.add(BuiltinOperator::MUL, inputs, builder.add_options(schema::CreateMulOptions, none),
               output);
    else if (std::holds_alternative<op::Add>(part.op))
      node.add(BuiltinOperator::ADD, inputs,
               builder.add_options(schema::CreateAddOptions, none, true), output);
    else if (std::holds_alternative<op::Sub>(part.op))
      node.add(BuiltinOperator::SUB, inputs,
               builder.add_options(schema::CreateSubOptions, none, true), output);
    else
      node.add(BuiltinOperator::QUANTIZE, inputs,
               builder.add_options(schema::CreateQuantizeOptions), output);
  }
}

template <class Op>
std::optional<Graph> chain_of(const Op& op, NodeExport& node) {
  if (!node.int8()) return {};
  return deploy::chain_of(op, *node.value(0).quantization, *node.result().quantization);
}

}  // namespace

void write(const op::Add&, NodeExport& node) {
  node.add(BuiltinOperator::ADD, both(node),
           node.builder().add_options(schema::CreateAddOptions, node.fused(), true));
}
void write(const op::Sub&, NodeExport& node) {
  node.add(BuiltinOperator::SUB, both(node),
           node.builder().add_options(schema::CreateSubOptions, node.fused(), true));
}
void write(const op::Mul&, NodeExport& node) {
  node.add(BuiltinOperator::MUL, both(node),
           node.builder().add_options(schema::CreateMulOptions, node.fused()));
}
void write(const op::Div&, NodeExport& node) {
  node.add(BuiltinOperator::DIV, both(node),
           node.builder().add_options(schema::CreateDivOptions, node.fused()));
}
void write(const op::Maximum&, NodeExport& node) {
  node.add(BuiltinOperator::MAXIMUM, both(node),
           node.builder().add_options(schema::CreateMaximumMinimumOptions));
}
void write(const op::Minimum&, NodeExport& node) {
  node.add(BuiltinOperator::MINIMUM, both(node),
           node.builder().add_options(schema::CreateMaximumMinimumOptions));
}

void write(const op::Affine& op, NodeExport& node) {
  if (const auto chain = chain_of(op, node)) return add_chain(*chain, node);
  if (op.shift == 0)
    return add_with_number(node, BuiltinOperator::MUL, node.in(0), op.scale, node.out());
  int scaled = node.in(0);
  if (op.scale != 1) {
    scaled = node.between(node.result_shape(), {});
    add_with_number(node, BuiltinOperator::MUL, node.in(0), op.scale, scaled);
  }
  add_with_number(node, BuiltinOperator::ADD, scaled, op.shift, node.out());
}

void write(const op::Power& op, NodeExport& node) {
  if (const auto chain = chain_of(op, node)) return add_chain(*chain, node);
  require<UnsupportedOp>(!node.int8() || op.exponent == -0.5,
                         "to the power of {}, of which the format has no int8", op.exponent);
  const BuiltinOperator code = op.exponent == 2      ? BuiltinOperator::SQUARE
                               : op.exponent == 0.5  ? BuiltinOperator::SQRT
                               : op.exponent == -0.5 ? BuiltinOperator::RSQRT
                                                     : BuiltinOperator::POW;
  if (code == BuiltinOperator::POW)
    node.add(code, {node.in(0), node.number(op.exponent, {})});
  else
    node.add(code, {node.in(0)});
}

void write(const op::Clamp& op, NodeExport& node) {
  const auto &from = node.value(0).quantization, &to = node.result().quantization;
  const bool rescales = node.int8() && *from != *to;
  const bool bounded = std::isfinite(op.low) || std::isfinite(op.high);
  if (!rescales && bounded) return node.add_clamp(node.in(0), op);
  require<UnsupportedOp>(node.int8(), "a clamp without bounds");
  // ReLU changes the scale, too.
  if (op.low == 0) {
    if (!std::isfinite(op.high)) return node.add(BuiltinOperator::RELU, {node.in(0)});
    const int middle = node.between(node.result_shape(), to);
    node.add(BuiltinOperator::RELU, {node.in(0)}, {}, middle);
    return node.add_clamp(middle, op);
  }
  const int middle = bounded ? node.between(node.result_shape(), to) : node.out();
  node.add(BuiltinOperator::QUANTIZE, {node.in(0)},
           node.builder().add_options(schema::CreateQuantizeOptions), middle);
  if (bounded) node.add_clamp(middle, op);
}

void write(const op::Relu&, NodeExport& node) { node.add(BuiltinOperator::RELU, {node.in(0)}); }
void write(const op::LeakyRelu& op, NodeExport& node) {
  node.add(
      BuiltinOperator::LEAKY_RELU, {node.in(0)},
      node.builder().add_options(schema::CreateLeakyReluOptions, static_cast<float>(op.slope)));
}
void write(const op::HardSwish&, NodeExport& node) {
  node.add_version(BuiltinOperator::HARD_SWISH, 1, {node.in(0)},
                   node.builder().add_options(schema::CreateHardSwishOptions));
}
void write(const op::Abs&, NodeExport& node) { node.add(BuiltinOperator::ABS, {node.in(0)}); }
void write(const op::Exp&, NodeExport& node) { node.add(BuiltinOperator::EXP, {node.in(0)}); }
void write(const op::Log&, NodeExport& node) { node.add(BuiltinOperator::LOG, {node.in(0)}); }
void write(const op::Sqrt&, NodeExport& node) {
  // LiteRT computes one of int8 otherwise, TFLite Micro none.
  require<UnsupportedOp>(!node.int8(), "of int8, on which the format's runtimes disagree");
  node.add(BuiltinOperator::SQRT, {node.in(0)});
}
void write(const op::Elu&, NodeExport& node) {
  node.add_version(BuiltinOperator::ELU, 1, {node.in(0)});
}
void write(const op::PRelu&, NodeExport& node) {
  require<UnsupportedOp>(node.shape(0) == node.result_shape(),
                         "of {} with slopes {}, which are more", node.shape(0), node.shape(1));
  node.add_version(BuiltinOperator::PRELU, 1, both(node));
}
void write(const op::Tanh&, NodeExport& node) { node.add(BuiltinOperator::TANH, {node.in(0)}); }
void write(const op::Sigmoid&, NodeExport& node) {
  node.add(BuiltinOperator::LOGISTIC, {node.in(0)});
}
void write(const op::Softmax&, NodeExport& node) {
  node.add(BuiltinOperator::SOFTMAX, {node.in(0)},
           node.builder().add_options(schema::CreateSoftmaxOptions, 1.0f));
}
void write(const op::LogSoftmax&, NodeExport& node) {
  node.add(BuiltinOperator::LOG_SOFTMAX, {node.in(0)});
}

}  // namespace tuco::tflite
