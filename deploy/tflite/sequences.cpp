#include "tuco/autograd/functions.h"
#include "tuco/deploy/tflite/operators.h"

namespace tuco::tflite {
namespace {

/// The operator's inputs by number. The gates come in the order input, forget, cell, output.
enum Input {
  kX,
  kWeights = 1,
  kRecurrentWeights = 5,
  kPeepholes = 9,
  kBiases = 12,
  kProjection = 16,
  kProjectionBias = 17,
  kHidden = 18,
  kCell = 19,
  kNorms = 20,
  kInputs = 24
};
constexpr int kGates = 4;

void refuse(const OperatorImport& op, int first, int last, const char* what) {
  for (int i = first; i <= last; ++i)
    require<UnsupportedOp>(!op.has(i), "with {}, of which Tuco has none", what);
}

/// The tensors of four gates as one, with their scales.
int add_gates(OperatorImport& op, int first, const Shape& wanted) {
  std::vector<Tensor> parts;
  std::optional<Quantization> scales;
  for (int i = first; i < first + kGates; ++i) {
    parts.push_back(op.constant(i));
    require<FormatError>(parts.back().shape() == wanted, "input {} is {}, expected {}", i,
                         parts.back().shape(), wanted);
    if (wanted.rank() != 2) continue;
    if (const auto gate = op.weight_scales(i, 0)) {
      if (!scales) scales = Quantization{{}, {}, 0};
      scales->scale.insert(scales->scale.end(), gate->scale.begin(), gate->scale.end());
      scales->zero_point.resize(scales->scale.size(), 0);
    }
  }
  return op.add_constant(first, concat(parts, 0), scales);
}

}  // namespace

void import_unidirectional_sequence_lstm(OperatorImport& op) {
  const auto& options = op.options<schema::UnidirectionalSequenceLSTMOptions>();
  require<FormatError>(op.inputs() >= kNorms && op.inputs() <= kInputs,
                       "it has {} inputs, expected {}", op.inputs(), static_cast<int>(kInputs));
  require<UnsupportedOp>(!options.time_major(), "with the time as the first dimension");
  require<UnsupportedOp>(
      options.fused_activation_function() == schema::ActivationFunctionType::TANH,
      "with another activation than TANH");
  require<UnsupportedOp>(!options.diagonal_recurrent_tensors(), "with diagonal weights");
  refuse(op, kPeepholes, kPeepholes + 2, "peepholes");
  refuse(op, kProjection, kProjectionBias, "a projection");
  refuse(op, kNorms, kInputs - 1, "layer normalisation");
  require<UnsupportedOp>(op.has(kWeights) && op.has(kRecurrentWeights),
                         "with input and forget gates coupled");
  const int x = op.activation(kX);
  const Shape shape = op.shape(x);
  require<FormatError>(shape.rank() == 3, "its input is {}, expected 3 dimensions", shape);
  const int64_t units = op.input(kBiases).shape.numel();
  const float clip = options.cell_clip();
  require<FormatError>(clip >= 0 && std::isfinite(clip), "cells clipped at {}", clip);

  const int weight = add_gates(op, kWeights, {units, shape[2]});
  const int recurrent = add_gates(op, kRecurrentWeights, {units, units});
  const int bias = add_gates(op, kBiases, {units});
  if (const auto& of_weight = op.value(weight).quantization) {
    Quantization of_bias = *of_weight;
    for (float& scale : of_bias.scale) scale = positive(scale * op.value(x).quantization->scale[0]);
    op.set_quantization(bias, of_bias);
  }
  const int hidden = op.variable_tensor(kHidden, {1, units}),
            cell = op.variable_tensor(kCell, {1, units});
  op.give_with_states(op::Lstm{.cell_clip = clip}, {x, weight, recurrent, bias, hidden, cell},
                      {hidden, cell});
}

}  // namespace tuco::tflite
