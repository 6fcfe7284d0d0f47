// Operators that compute on each element, softmax, and changes of scale.
#include <cmath>

#include "tuco/core/error.h"
#include "tuco/deploy/multiplier.h"
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
  require<UnsupportedOp>(!node.int8(), "it has no int8 form");
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
void write(const op::Sqrt&, NodeExport& node) { node.add(BuiltinOperator::SQRT, {node.in(0)}); }
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
