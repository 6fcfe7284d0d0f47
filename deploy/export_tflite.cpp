#include "tuco/deploy/export_tflite.h"

#include "tuco/autograd/grad_mode.h"
#include "tuco/core/error.h"
#include "tuco/core/preprocessing.h"
#include "tuco/deploy/check_model.h"
#include "tuco/deploy/run_graph.h"
#include "tuco/deploy/tflite/exporter.h"
#include "tuco/deploy/tflite/limits.h"

namespace tuco::deploy {
namespace {

using tflite::schema::ActivationFunctionType;

template <class Op>
concept HasForm = requires(const Op& op, tflite::NodeExport& node) {
  tflite::write(op, node);
};

/// Ops whose operators can have an activation in them.
template <class Op>
constexpr bool is_fusable =
    op::in_list<Op, op::TypeList<op::Conv2d, op::Linear, op::BatchNorm, op::Add, op::Sub, op::Mul,
                                 op::Div, op::MaxPool2d, op::AvgPool2d>>;

/// Bounds so far outside of int8 that runtimes, which compute their integers, would refuse them.
op::Clamp without_idle_bounds(op::Clamp clamp, const Graph::Value& result) {
  constexpr double kFar = 1 << 24;
  if (!result.quantization) return clamp;
  const double scale = result.quantization->scale[0];
  if (clamp.high / scale > kFar) clamp.high = std::numeric_limits<double>::infinity();
  if (clamp.low / scale < -kFar) clamp.low = -std::numeric_limits<double>::infinity();
  return clamp;
}

template <class Op>
void write_node(const Op& op, tflite::GraphExport& graph, const Graph::Node& node) {
  if constexpr (!HasForm<Op>) {
    fail<UnsupportedOp>("TFLite, as Tuco writes it, has no such operator");
  } else {
    const int output = graph.tensor_of(node.outputs[0]);
    const op::Clamp clamp = without_idle_bounds(node.activation.value_or(op::Clamp{}),
                                                graph.graph.values[node.outputs[0]]);
    const auto activation = tflite::activation_of(clamp);
    if (activation && (is_fusable<Op> || *activation == ActivationFunctionType::NONE)) {
      tflite::NodeExport whole(graph, node, output, *activation);
      tflite::write(op, whole);
    } else {
      tflite::NodeExport last(graph, node, output, ActivationFunctionType::NONE);
      const int raw = last.between(last.result_shape(), last.result().quantization);
      tflite::NodeExport first(graph, node, raw, ActivationFunctionType::NONE);
      tflite::write(op, first);
      last.add_clamp(raw, clamp);
    }
  }
}

Bytes generate(const Graph& graph, bool int8, const Metadata& more) {
  NoGrad quiet;
  tflite::GraphExport file{graph, infer_shapes(graph, 1), int8};
  file.tensors.assign(graph.values.size(), -1);
  std::vector<int> inputs, outputs;
  for (const int v : graph.inputs) {
    require<UnsupportedOp>(int8 || graph.values[v].meta.dtype == DType::float32,
                           "tflite: input \"{}\" is {}, expected float32", graph.values[v].name,
                           graph.values[v].meta.dtype);
    inputs.push_back(file.tensor_of(v));
  }
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    const Graph::Node& node = graph.nodes[i];
    try {
      if (int8) tflite::check_limits(graph, node);
      std::visit([&](const auto& op) { write_node(op, file, node); }, node.op);
    } catch (const Error& error) {
      fail<UnsupportedOp>("tflite: node {} ({}{}{}): {}", i, name(node.op),
                          node.name.empty() ? "" : " of ", node.name, error.what());
    }
  }
  for (const int v : graph.outputs) outputs.push_back(file.tensor_of(v));
  Metadata metadata = more;
  if (graph.preprocessing) metadata.merge(to_metadata(*graph.preprocessing));
  for (const auto& [key, text] : metadata) file.builder.add_metadata(key, text);
  return file.builder.finish(inputs, outputs);
}

}  // namespace

Bytes generate_tflite(const QuantizedModel& model, const Metadata& more) {
  check_model(model);
  require<UnsupportedOp>(model.rounding == Rounding::kDouble,
                         "tflite: the model is made for single rounding, the format's reference is "
                         "double rounding");
  return generate(model.graph, true, more);
}

Bytes generate_tflite(const Graph& graph, const Metadata& more) {
  require<Error>(
      std::ranges::none_of(graph.values,
                           [](const Graph::Value& v) { return v.quantization.has_value(); }),
      "tflite: an int8 graph goes with its rounding, as a QuantizedModel");
  return generate(graph, false, more);
}

void write_tflite(const std::string& path, const QuantizedModel& model, const Metadata& more) {
  write_file(path, generate_tflite(model, more));
}
void write_tflite(const std::string& path, const Graph& graph, const Metadata& more) {
  write_file(path, generate_tflite(graph, more));
}

}  // namespace tuco::deploy
