// States while networks run: what a run leaves to the next is written in the place of what the last
// one left.
#pragma once
#include "tuco/core/graph.h"

namespace tuco::deploy {

/// The graph with copies where a state would else be overwritten while it is still read: afterwards
/// nobody reads Graph::State::before once the node runs that computes Graph::State::after, and that
/// node is no alias. Only the op that has the state as its own (op::Lstm) may read it itself.
/// Throws UnsupportedOp if a state becomes a constant.
Graph with_states_in_place(const Graph& graph);

}  // namespace tuco::deploy
