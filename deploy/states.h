// What networks keep from run to run: states of recurrent layers, and the form in which a run writes
// what it leaves to the next in the place of what the last one left.
#pragma once
#include "tuco/core/graph.h"

namespace tuco::deploy {

/// Lets recurrent layers (op::Lstm) that begin with constants go on from run to run instead; the
/// constants are what they begin with before the first run. For networks that take a stream piece
/// by piece.
void carry_states(Graph& graph);

/// The graph with copies where a state would else be overwritten while it is still read: afterwards
/// nobody reads Graph::State::before once the node runs that computes Graph::State::after, and that
/// node is no alias. Only the op that has the state as its own (op::Lstm) may read it itself.
/// Throws UnsupportedOp if a state becomes a constant.
Graph with_states_in_place(const Graph& graph);

}  // namespace tuco::deploy
