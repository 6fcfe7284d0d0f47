#include "tuco/deploy/engine/lower.h"

#include "tuco/autograd/functions.h"
#include "tuco/autograd/grad_mode.h"
#include "tuco/core/error.h"
#include "tuco/deploy/engine/int8_ops.h"
#include "tuco/deploy/passes.h"

namespace tuco::deploy {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// A node of the same place in the graph, with another op and other inputs.
Graph::Node replaced(const Graph::Node& node, const op::Any& op, std::vector<int> inputs) {
  return {op, std::move(inputs), node.outputs, node.name, {}};
}

/// The convolution before an addition, with the addition and its activation in it, where nobody
/// else reads the convolution's result and the other operand is as large.
std::optional<Graph::Node> with_addend(Graph& graph, const Graph::Node& add,
                                       const std::vector<Shape>& shapes) {
  if (!(shapes[add.inputs[0]] == shapes[add.inputs[1]]) || add.inputs[0] == add.inputs[1])
    return {};
  for (const int side : {1, 0}) {
    const Graph::Node* before = sole_producer(graph, add.inputs[side]);
    const auto* conv = before ? std::get_if<op::Conv2d>(&before->op) : nullptr;
    if (!conv || before->activation) continue;
    const op::Clamp clamp = add.activation.value_or(op::Clamp{-kInfinity, kInfinity});
    const op::FusedConv2d fused{*conv, before->inputs.size() > 2, true, clamp.low, clamp.high};
    std::vector<int> inputs = before->inputs;
    inputs.push_back(add.inputs[1 - side]);
    Graph::Node node = replaced(add, fused, std::move(inputs));
    node.name = before->name;
    return node;
  }
  return {};
}

/// The node as one op with its activation inside, if there is such an op.
std::optional<Graph::Node> with_activation(const Graph::Node& node) {
  if (!node.activation) return {};
  const auto [low, high] = *node.activation;
  const bool bias = node.inputs.size() > 2;
  if (const auto* conv = std::get_if<op::Conv2d>(&node.op))
    return replaced(node, op::FusedConv2d{*conv, bias, false, low, high}, node.inputs);
  if (std::holds_alternative<op::Linear>(node.op))
    return replaced(node, op::FusedLinear{bias, low, high}, node.inputs);
  return {};
}

/// What a batch norm that could not be folded computes: x * scale + shift.
std::vector<Graph::Node> scale_and_shift(Graph& graph, const Graph::Node& node,
                                         const op::BatchNorm& norm) {
  const auto [scale, shift] = norm_factors(graph, node, norm);
  const TensorMeta meta = graph.values[node.outputs[0]].meta;
  const int scaled = graph.add_value({node.name + ".scaled", meta, {}, {}});
  const int by = add_constant(graph, node.name + ".scale", scale.to(meta.dtype));
  const int plus = add_constant(graph, node.name + ".shift", shift.to(meta.dtype));
  return {{op::Mul{}, {node.inputs[0], by}, {scaled}, node.name, {}},
          {op::Add{}, {scaled, plus}, node.outputs, node.name, node.activation}};
}

/// An activation that no kernel takes in becomes a node of its own.
void split_activations(Graph& graph) {
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    if (!graph.nodes[i].activation) continue;
    const int output = graph.nodes[i].outputs[0];
    const int raw = graph.add_value(graph.values[output]);
    Graph::Node clamp{*graph.nodes[i].activation, {raw}, {output}, graph.nodes[i].name, {}};
    graph.nodes[i].outputs[0] = raw;
    graph.nodes[i].activation.reset();
    graph.nodes.insert(graph.nodes.begin() + static_cast<ptrdiff_t>(i) + 1, std::move(clamp));
  }
}

}  // namespace

Graph lower(const Graph& graph, const std::vector<Shape>& shapes) {
  NoGrad quiet;
  Graph lowered = graph;
  std::vector<Graph::Node> nodes;
  // Nodes that fusion replaces stay behind without readers, and go at the end.
  for (const Graph::Node& node : graph.nodes) {
    require<UnsupportedOp>(!std::holds_alternative<op::Custom>(node.op),
                           "engine: {}{}{} brings its own code, which a plan cannot hold",
                           name(node.op), node.name.empty() ? "" : " of ", node.name);
    std::optional<Graph::Node> fused = std::holds_alternative<op::Add>(node.op)
                                           ? with_addend(lowered, node, shapes)
                                           : with_activation(node);
    const auto* norm = std::get_if<op::BatchNorm>(&node.op);
    if (norm && all_constant(graph, std::span(node.inputs).subspan(1))) {
      for (Graph::Node& part : scale_and_shift(lowered, node, *norm)) nodes.push_back(part);
    } else {
      nodes.push_back(fused ? *std::move(fused) : node);
    }
  }
  lowered.nodes = std::move(nodes);
  split_activations(lowered);
  lowered.remove_unused();
  return lowered;
}

namespace {

/// As above for int8: the convolution's result is the addition's first input.
std::optional<Graph::Node> with_addend(Graph& graph, const Graph::Node& node, op::QAdd add) {
  const Graph::Value &a = graph.values[node.inputs[0]], &b = graph.values[node.inputs[1]];
  if (node.inputs[0] == node.inputs[1] || !(a.meta.shape == b.meta.shape) || a.constant.defined() ||
      b.constant.defined())
    return {};
  for (const int side : {0, 1}) {
    const Graph::Node* before = sole_producer(graph, node.inputs[side]);
    if (const auto* conv = before ? std::get_if<op::QConv2d>(&before->op) : nullptr) {
      std::vector<int> inputs = before->inputs;
      inputs.push_back(node.inputs[1 - side]);
      Graph::Node fused = replaced(node, op::QConv2dAdd{*conv, add}, std::move(inputs));
      fused.name = before->name;
      return fused;
    }
    std::swap(add.a, add.b);
    std::swap(add.a_zero_point, add.b_zero_point);
  }
  return {};
}

}  // namespace

Graph lower(const QuantizedModel& model) {
  Graph lowered = model.graph;
  for (Graph::Node& node : lowered.nodes) {
    const Int8Op op = int8_op({model.graph, node, model.rounding});
    Graph::Node int8 = replaced(node, op.op, op.values);
    for (const Tensor& constant : op.constants)
      int8.inputs.push_back(add_constant(lowered, node.name, constant));
    const auto* add = std::get_if<op::QAdd>(&op.op);
    std::optional<Graph::Node> fused = add ? with_addend(lowered, int8, *add) : std::nullopt;
    node = fused ? *std::move(fused) : std::move(int8);
  }
  // These ops' rules know integers, and need no scales.
  for (Graph::Value& value : lowered.values) value.quantization.reset();
  lowered.remove_unused();
  return lowered;
}

}  // namespace tuco::deploy
