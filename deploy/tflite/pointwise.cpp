// Operators that compute on each element, softmax, and changes of scale.
#include <cmath>

#include "tuco/deploy/tflite/operators.h"

namespace tuco::tflite {
namespace {

using schema::TensorType;

/// Both operands. A computed one may lack dimensions that the other has, and its batch of one then
/// stands for one of those: here, where the batch is open, it has to stay in front.
std::vector<int> operands_of(OperatorImport& op) {
  std::vector<int> values = {op.operand(0), op.operand(1)};
  for (const int i : {0, 1}) {
    const Shape shape = op.shape(values[i]), other = op.shape(values[1 - i]);
    if (op.is_constant(i) || shape.rank() >= other.rank() || shape[0] != 1 || other[0] != 1)
      continue;
    Shape sizes{-1};
    for (int k = shape.rank(); k < other.rank(); ++k) sizes.push_back(1);
    for (int k = 1; k < shape.rank(); ++k) sizes.push_back(shape[k]);
    values[i] = op.between(op::Reshape{sizes}, {values[i]});
  }
  return values;
}

template <class Binary, class Options>
void import_binary(OperatorImport& op) {
  const auto* options = op.options_if_any<Options>();
  op.give(Binary{}, operands_of(op),
          options ? clamp_of(options->fused_activation_function()) : std::optional<op::Clamp>{});
}

void import_unary(OperatorImport& op, const op::Any& unary) { op.give(unary, {op.activation(0)}); }

/// A function that TFLite Micro has for floats alone, and LiteRT does not compute from a table.
void import_of_floats(OperatorImport& op, const op::Any& unary) {
  require<UnsupportedOp>(!op.int8(), "of int8, which TFLite Micro does not have");
  import_unary(op, unary);
}

void import_clamp(OperatorImport& op, const op::Clamp& clamp) {
  // LiteRT changes the scale, TFLite Micro takes the integers as they are.
  require<UnsupportedOp>(op.quantization_of(op.input(0)) == op.quantization_of(op.output()),
                         "its result has another scale than its input, at which runtimes differ");
  import_unary(op, clamp);
}

/// In int8, the larger or smaller of a tensor and one constant number in the same scale is a clamp.
/// Returns whether it was such.
bool import_bound(OperatorImport& op, op::Clamp (*clamp_at)(double bound)) {
  if (!op.int8()) return false;
  for (const int i : {0, 1}) {
    const TensorView &bound = op.input(i), &other = op.input(1 - i);
    if (!bound.is_constant() || bound.shape.numel() != 1 || other.is_constant()) continue;
    const auto quantization = op.quantization_of(bound);
    if (quantization != op.quantization_of(other) ||
        quantization != op.quantization_of(op.output()))
      continue;
    const double integer = op.constant(i).item<double>();
    op.give(clamp_at((integer - quantization->zero_point[0]) * double{quantization->scale[0]}),
            {op.activation(1 - i)});
    return true;
  }
  return false;
}

}  // namespace

void import_add(OperatorImport& op) { import_binary<op::Add, schema::AddOptions>(op); }
void import_sub(OperatorImport& op) { import_binary<op::Sub, schema::SubOptions>(op); }
void import_mul(OperatorImport& op) { import_binary<op::Mul, schema::MulOptions>(op); }
void import_div(OperatorImport& op) { import_binary<op::Div, schema::DivOptions>(op); }
void import_maximum(OperatorImport& op) {
  if (!import_bound(op, [](double bound) { return op::Clamp{.low = bound}; }))
    op.give(op::Maximum{}, operands_of(op));
}
void import_minimum(OperatorImport& op) {
  if (!import_bound(op, [](double bound) { return op::Clamp{.high = bound}; }))
    op.give(op::Minimum{}, operands_of(op));
}

void import_softmax(OperatorImport& op) {
  const float beta = op.options<schema::SoftmaxOptions>().beta();
  int input = op.activation(0);
  if (beta != 1) {
    // In int8 the factor would have to be part of a scale that others see.
    require<UnsupportedOp>(!op.int8(), "beta {}, expected 1", beta);
    input = op.between(op::Affine{beta, 0}, {input});
  }
  op.give(op::Softmax{}, {input});
}

void import_log_softmax(OperatorImport& op) { import_unary(op, op::LogSoftmax{}); }
void import_logistic(OperatorImport& op) { import_unary(op, op::Sigmoid{}); }
void import_tanh(OperatorImport& op) { import_unary(op, op::Tanh{}); }
void import_relu(OperatorImport& op) { import_unary(op, op::Relu{}); }
void import_relu6(OperatorImport& op) { import_clamp(op, {0, 6}); }
void import_relu_n1_to_1(OperatorImport& op) { import_clamp(op, {-1, 1}); }
void import_relu_0_to_1(OperatorImport& op) { import_clamp(op, {0, 1}); }
void import_abs(OperatorImport& op) { import_unary(op, op::Abs{}); }
void import_neg(OperatorImport& op) { import_of_floats(op, op::Affine{-1, 0}); }
void import_exp(OperatorImport& op) { import_unary(op, op::Exp{}); }
void import_log(OperatorImport& op) { import_unary(op, op::Log{}); }
void import_sqrt(OperatorImport& op) { import_of_floats(op, op::Sqrt{}); }
void import_rsqrt(OperatorImport& op) { import_unary(op, op::Power{-0.5}); }
void import_square(OperatorImport& op) { import_of_floats(op, op::Power{2}); }

void import_pow(OperatorImport& op) {
  const Tensor exponent = op.constant(1);
  require<UnsupportedOp>(exponent.numel() == 1, "to {} exponents, expected one", exponent.numel());
  import_of_floats(op, op::Power{exponent.item<double>()});
}

void import_leaky_relu(OperatorImport& op) {
  const float alpha = op.options<schema::LeakyReluOptions>().alpha();
  require<UnsupportedOp>(std::isfinite(alpha), "alpha {}", alpha);
  import_unary(op, op::LeakyRelu{alpha});
}

void import_hard_swish(OperatorImport& op) { import_unary(op, op::HardSwish{}); }

void import_elu(OperatorImport& op) { import_unary(op, op::Elu{}); }
void import_prelu(OperatorImport& op) { op.give(op::PRelu{}, operands_of(op)); }

void import_quantize(OperatorImport& op) {
  if (op.int8() && op.has(0) && op.input(0).type() == TensorType::UINT8) {
    const auto from = op.input(0).quantization(), to = op.output().quantization();
    require<UnsupportedOp>(from && to && from->axis < 0 && to->axis < 0 &&
                               from->scale == to->scale &&
                               from->zero_point[0] - 128 == to->zero_point[0],
                           "from UINT8 to another scale or zero point");
  }
  if (op.take_over_input()) return;
  if (op.int8() && op.output().type() == TensorType::UINT8 && op.gives_network_output()) {
    const auto from = op.input(0).quantization(), to = op.output().quantization();
    require<UnsupportedOp>(from && to && from->axis < 0 && to->axis < 0 &&
                               from->scale == to->scale &&
                               from->zero_point[0] + 128 == to->zero_point[0],
                           "to UINT8 with another scale or zero point");
    op.pass(op.activation(0));
    return;
  }
  require<UnsupportedOp>(op.int8(), "inside of a float network");
  // A clamp without bounds is a change of scale.
  import_unary(op, op::Clamp{});
}

void import_dequantize(OperatorImport& op) {
  require<FormatError>(
      op.output().type() == TensorType::FLOAT32 && op.output().shape == op.input(0).shape,
      "it gives {} {} from {}", op.output().type_name(), op.output().shape, op.input(0).shape);
  if (op.int8()) {
    require<UnsupportedOp>(op.gives_network_output(), "inside of an int8 network");
    op.pass(op.activation(0));
  } else {
    op.pass(op.add_constant(0, op.constant(0)));
  }
}

}  // namespace tuco::tflite
