// Recurrent layers.
#include "tuco/autograd/functions.h"
#include "tuco/core/error.h"
#include "tuco/deploy/ops/lstm.h"
#include "tuco/deploy/tflite/exporter.h"

namespace tuco::tflite {
namespace {

using namespace deploy;
using schema::BuiltinOperator;
using schema::TensorType;

/// Whether the state, or the constant that stands for it, begins as real zeros.
bool begins_as_zeros(const NodeExport& node, LstmInput i) {
  const Graph& graph = node.graph();
  Tensor initial = node.value(i).constant;
  for (const Graph::State& state : graph.states)
    if (state.before == node.node().inputs[i] && owns_state(node.node(), state))
      initial = graph.values[state.initial].constant;
  if (!initial.defined()) return false;
  const auto& quantization = node.value(i).quantization;
  const double zero = quantization ? quantization->zero_point[0] : 0;
  return std::ranges::all_of(initial.to(DType::float64).to_vector<double>(),
                             [&](double v) { return v == zero; });
}

/// The tensors of the gates of weight or bias `i`, each with its one scale.
void add_gates(NodeExport& node, LstmInput i, std::vector<int>& inputs) {
  const Graph::Value& value = node.value(i);
  const int64_t units = value.meta.shape[0] / kLstmGates;
  for (int64_t gate = 0; gate < kLstmGates; ++gate) {
    std::optional<Quantization> quantization;
    if (value.quantization)
      quantization = Quantization{{value.quantization->scale[gate * units]}, {0}, -1};
    inputs.push_back(node.builder().add_constant(
        fmt::format("{}.{}", value.name, gate),
        contiguous(slice(value.constant, 0, gate * units, (gate + 1) * units)), quantization));
  }
}

}  // namespace

void write(const op::Lstm& op, NodeExport& node) {
  for (const LstmInput i : {kLstmWeight, kLstmRecurrent, kLstmBias})
    require<UnsupportedOp>(node.value(i).constant.defined(), "\"{}\" is computed",
                           node.value(i).name);
  for (const LstmInput i : {kLstmHidden, kLstmCell})
    require<UnsupportedOp>(begins_as_zeros(node, i), "its state \"{}\" does not begin as zeros",
                           node.value(i).name);
  for (const LstmOutput o : {kLstmLastHidden, kLstmLastCell})
    require<UnsupportedOp>(node.graph().consumers(node.node().outputs[o]).empty() &&
                               !std::ranges::count(node.graph().outputs, node.node().outputs[o]),
                           "its last state is read by others");
  Builder& builder = node.builder();
  std::vector<int> inputs{node.in(kLstmX)};
  add_gates(node, kLstmWeight, inputs);
  add_gates(node, kLstmRecurrent, inputs);
  inputs.insert(inputs.end(), 3, -1);  // peepholes
  add_gates(node, kLstmBias, inputs);
  inputs.insert(inputs.end(), 2, -1);  // projection
  const Shape state{1, node.value(kLstmRecurrent).meta.shape[1]};
  const auto variable = [&](LstmInput i, TensorType integers) {
    return builder.add_tensor(node.value(i).name, node.int8() ? integers : TensorType::FLOAT32,
                              state, node.value(i).quantization, true);
  };
  inputs.push_back(variable(kLstmHidden, TensorType::INT8));
  inputs.push_back(variable(kLstmCell, TensorType::INT16));
  inputs.insert(inputs.end(), 4, -1);  // layer normalisation
  // The scale of the hidden values; the others belong to layer normalisation.
  std::vector<int> intermediates;
  for (int i = 0; node.int8() && i < 5; ++i)
    intermediates.push_back(
        builder.add_tensor(fmt::format("{}.intermediate{}", node.result().name, i),
                           i < 4 ? TensorType::FLOAT32 : TensorType::INT8, {0},
                           i < 4 ? std::optional<Quantization>{} : node.result().quantization));
  builder.add_operator(
      BuiltinOperator::UNIDIRECTIONAL_SEQUENCE_LSTM, 1, inputs, {node.out()},
      builder.add_options(schema::CreateUnidirectionalSequenceLSTMOptions,
                          schema::ActivationFunctionType::TANH, static_cast<float>(op.cell_clip),
                          0.0f, false, false, false),
      intermediates);
}

}  // namespace tuco::tflite
