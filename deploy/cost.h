// What a node of a graph costs: products and bytes, whatever computes it.
#pragma once
#include "tuco/core/graph.h"

namespace tuco::deploy {

/// For one image.
struct NodeCost {
  /// Multiply-accumulates of a convolution or product with constant weights.
  int64_t products = 0;
  /// Bytes of the activations that are read and written once, and of the constants that are read.
  int64_t activation_bytes = 0, constant_bytes = 0;
};

NodeCost cost_of(const Graph& graph, const Graph::Node& node);

/// Products of all nodes, for one image.
int64_t products_of(const Graph& graph);

}  // namespace tuco::deploy
