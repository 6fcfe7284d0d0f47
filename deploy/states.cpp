#include "tuco/deploy/states.h"

#include <algorithm>
#include <set>

#include "tuco/core/error.h"
#include "tuco/deploy/ops/lstm.h"
#include "tuco/deploy/rules.h"

namespace tuco::deploy {
namespace {

/// Whether the result may lie in its input's memory: an alias, or a stretch of it.
bool may_be_view(const op::Any& op) {
  return is_alias(op) || std::holds_alternative<op::Slice>(op) ||
         std::holds_alternative<op::Permute>(op);
}

/// The value and all that may be views of it.
std::set<int> views_of(const Graph& graph, int value) {
  std::set<int> views{value};
  for (const Graph::Node& node : graph.nodes)
    if (may_be_view(node.op) && views.contains(node.inputs[0])) views.insert(node.outputs[0]);
  return views;
}

/// Adds a node at the end that copies a value, and returns the copy.
int append_copy(Graph& graph, int value, std::string name) {
  require<UnsupportedOp>(!graph.values[value].constant.defined(),
                         "the state \"{}\" becomes a constant", name);
  Graph::Value copy{name, graph.values[value].meta, {}, graph.values[value].quantization};
  const int number = graph.add_value(std::move(copy));
  graph.nodes.push_back({op::Copy{}, {value}, {number}, name, {}});
  return number;
}

/// Whether the node that computes what the state becomes may write it over what the state was.
bool can_overwrite(const Graph& graph, const Graph::State& state) {
  const int producer = graph.producer(state.after);
  if (producer < 0 || is_alias(graph.nodes[producer].op)) return false;
  // A layer with states of its own changes them where they are, if none but it reads them.
  const Graph::Node& node = graph.nodes[producer];
  const bool is_own = owns_state(node, state) && std::ranges::count(node.inputs, state.before) == 1;
  const std::set<int> views = views_of(graph, state.before);
  const auto reads = [&](const Graph::Node& later) {
    return std::ranges::any_of(later.inputs, [&](int input) { return views.contains(input); });
  };
  return std::none_of(graph.nodes.begin() + producer + is_own, graph.nodes.end(), reads);
}

}  // namespace

void carry_states(Graph& graph) {
  for (Graph::Node& node : graph.nodes) {
    if (!std::holds_alternative<op::Lstm>(node.op)) continue;
    for (const auto& [input, output] :
         {std::pair{kLstmHidden, kLstmLastHidden}, std::pair{kLstmCell, kLstmLastCell}}) {
      const int initial = node.inputs[input], after = node.outputs[output];
      const Graph::Value first = graph.values[initial];
      if (!first.constant.defined() || first.meta.shape[0] != 1) continue;
      node.inputs[input] = graph.add_value(
          {first.name + ".carried", graph.values[after].meta, {}, first.quantization});
      graph.states.push_back({initial, node.inputs[input], after});
    }
  }
}

Graph with_states_in_place(const Graph& graph) {
  Graph result = graph;
  std::set<int> seen;
  // What goes out, or becomes another state, must not be what a state was: that will be
  // overwritten.
  for (const Graph::State& state : graph.states) {
    const std::set<int> views = views_of(graph, state.before);
    const auto keep = [&](int& value) {
      if (views.contains(value)) value = append_copy(result, value, graph.values[value].name);
    };
    std::ranges::for_each(result.outputs, keep);
    for (Graph::State& other : result.states) keep(other.after);
  }
  std::vector<size_t> copied;
  for (size_t i = 0; i < result.states.size(); ++i)
    if (!seen.insert(result.states[i].after).second || !can_overwrite(result, result.states[i]))
      copied.push_back(i);
  for (const size_t i : copied) {
    Graph::State& state = result.states[i];
    state.after = append_copy(result, state.after, result.values[state.before].name);
  }
  return result;
}

}  // namespace tuco::deploy
