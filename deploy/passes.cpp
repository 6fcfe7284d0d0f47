#include "tuco/deploy/passes.h"

#include <fmt/format.h>

#include <map>

#include "tuco/autograd/functions.h"
#include "tuco/autograd/grad_mode.h"
#include "tuco/autograd/run_op.h"
#include "tuco/deploy/rules.h"

namespace tuco::deploy {
namespace {

const Tensor& constant_of(const Graph& graph, const Graph::Node& node, size_t input) {
  return graph.values[node.inputs[input]].constant;
}

bool is_identity(const Graph& graph, const Graph::Node& node) {
  const TensorMeta &in = graph.values[node.inputs[0]].meta,
                   &out = graph.values[node.outputs[0]].meta;
  if (const auto* affine = std::get_if<op::Affine>(&node.op))
    return affine->scale == 1 && affine->shift == 0;
  if (const auto* dropout = std::get_if<op::Dropout>(&node.op)) return dropout->p == 0;
  if (const auto* permute = std::get_if<op::Permute>(&node.op))
    return std::ranges::is_sorted(permute->order);
  const bool keeps_all =
      std::holds_alternative<op::Copy>(node.op) || std::holds_alternative<op::Reshape>(node.op) ||
      std::holds_alternative<op::Expand>(node.op) || std::holds_alternative<op::Pad>(node.op) ||
      std::holds_alternative<op::Cast>(node.op) || std::holds_alternative<op::Slice>(node.op);
  return keeps_all && in == out;
}

}  // namespace

bool all_constant(const Graph& graph, std::span<const int> values) {
  return std::ranges::all_of(values, [&](int v) { return graph.values[v].constant.defined(); });
}

int add_constant(Graph& graph, const std::string& name, const Tensor& tensor) {
  return graph.add_value({name, tensor.meta(), tensor, {}});
}

NormFactors norm_factors(const Graph& graph, const Graph::Node& node, const op::BatchNorm& norm) {
  const auto parameter = [&](size_t input) {
    return constant_of(graph, node, input).to(DType::float64);
  };
  const Tensor scale = parameter(1) * pow(parameter(4) + norm.eps, -0.5);
  return {scale, parameter(2) - parameter(3) * scale};
}

Graph::Node* sole_producer(Graph& graph, int value) {
  const int producer = graph.producer(value);
  if (producer < 0 || graph.is_kept(value)) return nullptr;
  return graph.consumers(value).size() == 1 ? &graph.nodes[producer] : nullptr;
}

void fold_constants(Graph& graph) {
  NoGrad quiet;
  for (Graph::Node& node : graph.nodes) {
    if (node.inputs.empty() || !all_constant(graph, node.inputs)) continue;
    std::vector<Tensor> in;
    for (const int v : node.inputs) in.push_back(graph.values[v].constant);
    const Outputs out = run_op(node.op, in);
    for (size_t i = 0; i < node.outputs.size(); ++i)
      graph.values[node.outputs[i]].constant = dense(out[i]);
  }
  std::erase_if(graph.nodes,
                [&](const Graph::Node& node) { return all_constant(graph, node.outputs); });
  graph.remove_unused();
}

void fold_affine(Graph& graph) {
  for (Graph::Node& node : graph.nodes) {
    const auto* second = std::get_if<op::Affine>(&node.op);
    Graph::Node* before = second ? sole_producer(graph, node.inputs[0]) : nullptr;
    const auto* first = before ? std::get_if<op::Affine>(&before->op) : nullptr;
    if (!first || before->activation || node.activation ||
        !is_floating(graph.values[node.inputs[0]].meta.dtype))
      continue;
    before->op =
        op::Affine{first->scale * second->scale, first->shift * second->scale + second->shift};
    std::swap(before->outputs, node.outputs);
  }
  graph.remove_unused();
}

void drop_identities(Graph& graph) {
  for (const Graph::Node& node : graph.nodes)
    if (node.inputs.size() == 1 && !node.activation && is_identity(graph, node)) {
      // An output keeps its name when it moves to the value before.
      if (std::ranges::count(graph.outputs, node.outputs[0]) && graph.producer(node.inputs[0]) >= 0)
        graph.values[node.inputs[0]].name = graph.values[node.outputs[0]].name;
      graph.replace_uses(node.outputs[0], node.inputs[0]);
    }
  graph.remove_unused();
}

void fold_batch_norm(Graph& graph) {
  NoGrad quiet;
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    const auto* norm = std::get_if<op::BatchNorm>(&graph.nodes[i].op);
    if (!norm || !all_constant(graph, std::span(graph.nodes[i].inputs).subspan(1))) continue;
    const Graph::Node node = graph.nodes[i];
    // In float64: the folded weights are rounded once.
    const auto [scale, shift] = norm_factors(graph, node, *norm);
    const DType dtype = constant_of(graph, node, 1).dtype();
    const int64_t channels = scale.dim(0);

    Graph::Node* before = sole_producer(graph, node.inputs[0]);
    const bool folds = before && !before->activation &&
                       (std::holds_alternative<op::Conv2d>(before->op) ||
                        std::holds_alternative<op::Linear>(before->op)) &&
                       all_constant(graph, std::span(before->inputs).subspan(1));
    if (!folds && graph.values[node.inputs[0]].meta.shape.rank() != 4) continue;

    Graph::Node target = node;
    Tensor weight, bias;
    std::string weight_name;
    if (folds) {
      target = *before;
      weight = constant_of(graph, target, 1).to(DType::float64);
      Shape per_output = Shape::filled(weight.rank(), 1);
      per_output[0] = channels;
      weight = weight * reshape(scale, per_output);
      bias = shift;
      if (target.inputs.size() > 2)
        bias = bias + constant_of(graph, target, 2).to(DType::float64) * scale;
      weight_name = graph.values[target.inputs[1]].name;
    } else {
      target.op = op::Conv2d{.groups = channels};
      weight = reshape(scale, {channels, 1, 1, 1});
      bias = shift;
      weight_name = node.name + ".weight";
    }
    target.inputs = {target.inputs[0], add_constant(graph, weight_name, weight.to(dtype)),
                     add_constant(graph, target.name + ".bias", bias.to(dtype))};
    target.outputs = node.outputs;
    graph.nodes[i] = std::move(target);
  }
  graph.remove_unused();
}

namespace {

/// Whether input and output share a scale in int8.
bool keeps_scale(const op::Any& op) {
  return std::visit(
      []<class Op>(const Op&) {
        return op::in_list<Op, op::TypeList<op::MaxPool2d, op::AvgPool2d, op::Reshape, op::Pad,
                                            op::Slice, op::Permute, op::ResizeNearest>>;
      },
      op);
}

}  // namespace

void fold_activations(Graph& graph) {
  for (Graph::Node& node : graph.nodes) {
    op::Clamp clamp;
    if (std::holds_alternative<op::Relu>(node.op))
      clamp.low = 0;
    else if (const auto* op = std::get_if<op::Clamp>(&node.op))
      clamp = *op;
    else
      continue;
    Graph::Node* before = sole_producer(graph, node.inputs[0]);
    // Where the scale is tied to the input's, the clamped range would not get a finer one.
    if (!before || before->activation || !takes_activation(before->op) || keeps_scale(before->op))
      continue;
    before->activation = clamp;
    std::swap(before->outputs, node.outputs);
  }
  graph.remove_unused();
}

bool joins_scales(const op::Any& op) {
  if (const auto* pad = std::get_if<op::Pad>(&op)) return pad->value != 0;
  return std::holds_alternative<op::Concat>(op) || std::holds_alternative<op::Maximum>(op) ||
         std::holds_alternative<op::Minimum>(op);
}

std::set<int> scale_sources(const Graph& graph, int value) {
  const int producer = graph.producer(value);
  if (producer < 0) return {value};
  const Graph::Node& node = graph.nodes[producer];
  const bool joins = joins_scales(node.op);
  if (!joins && !keeps_scale(node.op)) return {value};
  std::set<int> sources;
  for (const int input : node.inputs)
    if (joins || input == node.inputs[0]) sources.merge(scale_sources(graph, input));
  return sources;
}

void isolate_joined_inputs(Graph& graph) {
  const auto is_fixed = [&](int value) {
    const int producer = graph.producer(value);
    if (producer < 0) return std::ranges::count(graph.states, value, &Graph::State::before) == 0;
    const op::Any& op = graph.nodes[producer].op;
    return std::holds_alternative<op::Softmax>(op) || std::holds_alternative<op::Sigmoid>(op) ||
           std::holds_alternative<op::Tanh>(op);
  };
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    if (!joins_scales(graph.nodes[i].op)) continue;
    for (size_t k = 0; k < graph.nodes[i].inputs.size(); ++k) {
      const int input = graph.nodes[i].inputs[k];
      if (graph.values[input].constant.defined() ||
          std::ranges::none_of(scale_sources(graph, input), is_fixed))
        continue;
      const int rescaled = graph.add_value({"rescaled", graph.values[input].meta, {}, {}});
      graph.nodes[i].inputs[k] = rescaled;
      graph.nodes.insert(graph.nodes.begin() + static_cast<int64_t>(i),
                         {op::Clamp{}, {input}, {rescaled}, graph.nodes[i].name, {}});
      ++i;
    }
  }
}

void make_names_unique(Graph& graph) {
  std::map<std::string, int> seen;
  for (Graph::Value& value : graph.values)
    if (value.constant.defined())
      if (const int count = seen[value.name]++) value.name += fmt::format("_{}", count + 1);
}

void optimize(Graph& graph) {
  fold_constants(graph);
  fold_affine(graph);
  drop_identities(graph);
  fold_batch_norm(graph);
  fold_activations(graph);
  isolate_joined_inputs(graph);
  make_names_unique(graph);
}

}  // namespace tuco::deploy
