#include "tuco/deploy/fold_padding.h"

#include <algorithm>

namespace tuco::deploy {
namespace {

/// The padding of a convolution with that of a layer before it.
Padding sum(const Padding& conv, const op::Pad& pad) {
  return {conv.top + pad.before[1], conv.bottom + pad.after[1], conv.left + pad.before[2],
          conv.right + pad.after[2]};
}

/// Whether the node is a convolution of `value` into which this padding of it can go.
bool takes(const Graph& graph, const Graph::Node& node, int value, const op::Pad& pad) {
  const auto* conv = std::get_if<op::Conv2d>(&node.op);
  if (!conv || std::ranges::count(node.inputs, value) != 1 || node.inputs[0] != value) return false;
  const Shape& weight = graph.values[node.inputs[1]].meta.shape;
  const Padding padding = sum(conv->padding, pad);
  const auto [h, w] = Hw(conv->dilation.h * (weight[1] - 1), conv->dilation.w * (weight[2] - 1));
  return std::max(padding.top, padding.bottom) <= h && std::max(padding.left, padding.right) <= w;
}

bool is_of_zeros(const op::Pad& pad) {
  return pad.before.rank() == 4 && pad.value == 0 && pad.before[0] == 0 && pad.after[0] == 0 &&
         pad.before[3] == 0 && pad.after[3] == 0;
}

}  // namespace

QuantizedModel fold_padding(const QuantizedModel& model) {
  QuantizedModel result = model;
  Graph& graph = result.graph;
  for (const Graph::Node& node : graph.nodes) {
    const auto* pad = std::get_if<op::Pad>(&node.op);
    const int output = node.outputs[0];
    if (!pad || !is_of_zeros(*pad) || node.activation || graph.is_kept(output)) continue;
    const auto readers = graph.consumers(output);
    if (!std::ranges::all_of(
            readers, [&](int reader) { return takes(graph, graph.nodes[reader], output, *pad); }))
      continue;
    for (const int reader : readers) {
      auto& conv = std::get<op::Conv2d>(graph.nodes[reader].op);
      conv.padding = sum(conv.padding, *pad);
    }
    graph.replace_uses(output, node.inputs[0]);
  }
  graph.remove_unused();
  return result;
}

}  // namespace tuco::deploy
