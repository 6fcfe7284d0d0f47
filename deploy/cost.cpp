#include "tuco/deploy/cost.h"

namespace tuco::deploy {
namespace {

/// Whether input 1 is a weight whose first dimension is the output's last.
template <class Op>
constexpr bool is_weighted =
    op::in_list<Op, op::TypeList<op::Conv2d, op::FusedConv2d, op::Linear, op::FusedLinear,
                                 op::QConv2d, op::QConv2dAdd, op::QLinear>>;

int64_t per_image(const Shape& shape) {
  int64_t product = 1;
  for (int i = 1; i < shape.rank(); ++i) product *= shape[i];
  return product;
}

}  // namespace

NodeCost cost_of(const Graph& graph, const Graph::Node& node) {
  NodeCost cost;
  const auto add = [&](int v) {
    const Graph::Value& value = graph.values[v];
    const auto size = static_cast<int64_t>(size_of(value.meta.dtype));
    if (value.constant.defined())
      cost.constant_bytes += value.meta.shape.numel() * size;
    else
      cost.activation_bytes += per_image(value.meta.shape) * size;
  };
  for (const int v : node.inputs) add(v);
  for (const int v : node.outputs) add(v);
  const bool weighted = std::visit([]<class Op>(const Op&) { return is_weighted<Op>; }, node.op);
  if (weighted) {
    const Shape &weight = graph.values[node.inputs[1]].meta.shape,
                &out = graph.values[node.outputs[0]].meta.shape;
    if (out.back() > 0) cost.products = per_image(out) / out.back() * weight.numel();
  }
  const bool recurrent =
      std::holds_alternative<op::Lstm>(node.op) || std::holds_alternative<op::QLstm>(node.op);
  if (recurrent) {
    const Shape &x = graph.values[node.inputs[0]].meta.shape,
                &y = graph.values[node.outputs[0]].meta.shape;
    cost.products = x[1] * 4 * y[2] * (x[2] + y[2]);
  }
  return cost;
}

int64_t products_of(const Graph& graph) {
  int64_t sum = 0;
  for (const Graph::Node& node : graph.nodes) sum += cost_of(graph, node).products;
  return sum;
}

}  // namespace tuco::deploy
