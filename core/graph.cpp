#include "tuco/core/graph.h"

#include <fmt/format.h>

namespace tuco {

int Graph::add_value(Value value) {
  values.push_back(std::move(value));
  return static_cast<int>(values.size()) - 1;
}

int Graph::producer(int value) const {
  for (size_t i = 0; i < nodes.size(); ++i)
    for (const int output : nodes[i].outputs)
      if (output == value) return static_cast<int>(i);
  return -1;
}

std::vector<int> Graph::consumers(int value) const {
  std::vector<int> readers;
  for (size_t i = 0; i < nodes.size(); ++i)
    if (std::ranges::count(nodes[i].inputs, value)) readers.push_back(static_cast<int>(i));
  return readers;
}

std::vector<int> Graph::given() const {
  std::vector<int> result = inputs;
  for (const State& state : states) result.push_back(state.before);
  return result;
}

bool Graph::is_kept(int value) const {
  return std::ranges::count(outputs, value) > 0 ||
         std::ranges::count(states, value, &State::after) > 0;
}

void Graph::replace_uses(int from, int to) {
  for (Node& node : nodes) std::ranges::replace(node.inputs, from, to);
  std::ranges::replace(outputs, from, to);
  for (State& state : states)
    if (state.after == from) state.after = to;
}

void Graph::remove_unused() {
  std::vector<bool> needed(values.size(), false);
  for (const int output : outputs) needed[output] = true;
  for (const State& state : states)
    for (const int value : {state.initial, state.before, state.after}) needed[value] = true;
  std::vector<Node> kept;
  for (size_t i = nodes.size(); i-- > 0;) {
    if (std::ranges::none_of(nodes[i].outputs, [&](int v) { return needed[v]; })) continue;
    for (const int input : nodes[i].inputs) needed[input] = true;
    kept.push_back(std::move(nodes[i]));
  }
  nodes.assign(std::make_move_iterator(kept.rbegin()), std::make_move_iterator(kept.rend()));
  for (const int input : inputs) needed[input] = true;
  for (const Node& node : nodes)
    for (const int output : node.outputs) needed[output] = true;

  std::vector<int> renumbered(values.size(), -1);
  std::vector<Value> alive;
  for (size_t v = 0; v < values.size(); ++v)
    if (needed[v]) {
      renumbered[v] = static_cast<int>(alive.size());
      alive.push_back(std::move(values[v]));
    }
  values = std::move(alive);
  const auto renumber = [&](std::vector<int>& list) {
    for (int& v : list) v = renumbered[v];
  };
  renumber(inputs);
  renumber(outputs);
  for (State& state : states)
    for (int* value : {&state.initial, &state.before, &state.after}) *value = renumbered[*value];
  for (Node& node : nodes) {
    renumber(node.inputs);
    renumber(node.outputs);
  }
}

std::string Graph::to_string() const {
  std::string text;
  const auto label = [&](int v) {
    return fmt::format("%{}:{}{}", v, name(values[v].meta.dtype), values[v].meta.shape);
  };
  for (const int v : inputs) text += fmt::format("input  {} \"{}\"\n", label(v), values[v].name);
  for (const Node& node : nodes) {
    for (size_t i = 0; i < node.outputs.size(); ++i)
      text += fmt::format("{}{}", i ? ", " : "", label(node.outputs[i]));
    text += fmt::format(" = {}", tuco::to_string(node.op));
    if (node.activation)
      text += fmt::format(" then clamp [{}, {}]", node.activation->low, node.activation->high);
    for (const int v : node.inputs)
      text += values[v].constant.defined() ? fmt::format(" \"{}\"", values[v].name)
                                           : fmt::format(" %{}", v);
    text += node.name.empty() ? "\n" : fmt::format("  # {}\n", node.name);
  }
  for (const int v : outputs) text += fmt::format("output {}\n", label(v));
  for (const State& state : states)
    text += fmt::format("state  {} \"{}\", then %{}\n", label(state.before),
                        values[state.before].name, state.after);
  return text;
}

}  // namespace tuco
