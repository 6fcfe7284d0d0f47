#include "tuco/deploy/export_tflite.h"

#include "tuco/autograd/grad_mode.h"
#include "tuco/core/error.h"
#include "tuco/core/preprocessing.h"
#include "tuco/deploy/check_model.h"
#include "tuco/deploy/ops/lstm.h"
#include "tuco/deploy/run_graph.h"
#include "tuco/deploy/tflite/exporter.h"
#include "tuco/deploy/tflite/limits.h"

namespace tuco::deploy {
namespace {

namespace schema = tflite::schema;
using schema::ActivationFunctionType;
using schema::BuiltinOperator;

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

/// The states that no operator keeps as its own become variables, which operators name.
class NamedVariables {
 public:
  explicit NamedVariables(tflite::GraphExport& file) : file_(file) {
    for (const Graph::State& state : file.graph.states)
      if (std::ranges::none_of(file.graph.nodes,
                               [&](const Graph::Node& node) { return owns_state(node, state); }))
        states_.push_back(&state);
  }

  /// What runs before the network, the first time another graph before that, and after it.
  void read() {
    if (states_.empty()) return;
    builder().add_operator(BuiltinOperator::CALL_ONCE, 1, {}, {},
                           builder().add_options(schema::CreateCallOnceOptions, 1));
    for (const Graph::State* state : states_) {
      handles_.push_back(add_handle(*state));
      builder().add_operator(BuiltinOperator::READ_VARIABLE, 1, {handles_.back()},
                             {file_.tensor_of(state->before)},
                             builder().add_options(schema::CreateReadVariableOptions));
    }
  }
  void assign() {
    for (size_t i = 0; i < states_.size(); ++i)
      assign(handles_[i], file_.tensor_of(states_[i]->after));
  }
  Bytes finish(const std::vector<int>& inputs, const std::vector<int>& outputs) {
    if (states_.empty()) return builder().finish(inputs, outputs);
    builder().end_graph(inputs, outputs);
    for (const Graph::State* state : states_) {
      const Graph::Value& initial = file_.graph.values[state->initial];
      const int handle = add_handle(*state);
      assign(handle, builder().add_constant(initial.name, initial.constant, initial.quantization));
    }
    return builder().finish({}, {});
  }

 private:
  tflite::Builder& builder() { return file_.builder; }
  int add_handle(const Graph::State& state) {
    // Names must differ: the number of the value is in them.
    const std::string name =
        fmt::format("{}.{}", file_.graph.values[state.before].name, state.before);
    const int handle = builder().add_tensor(name, schema::TensorType::RESOURCE, {}, {});
    const auto container = builder().add_text(""), text = builder().add_text(name);
    builder().add_operator(BuiltinOperator::VAR_HANDLE, 1, {}, {handle},
                           builder().add_options(schema::CreateVarHandleOptions, container, text));
    return handle;
  }
  void assign(int handle, int tensor) {
    builder().add_operator(BuiltinOperator::ASSIGN_VARIABLE, 1, {handle, tensor}, {},
                           builder().add_options(schema::CreateAssignVariableOptions));
  }

  tflite::GraphExport& file_;
  std::vector<const Graph::State*> states_;
  std::vector<int> handles_;
};

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
  NamedVariables variables(file);
  variables.read();
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
  variables.assign();
  for (const int v : graph.outputs) outputs.push_back(file.tensor_of(v));
  Metadata metadata = more;
  if (graph.preprocessing) metadata.merge(to_metadata(*graph.preprocessing));
  for (const auto& [key, text] : metadata) file.builder.add_metadata(key, text);
  return variables.finish(inputs, outputs);
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
