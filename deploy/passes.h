// Passes: rewrites of a float Graph that leave its results as they are, up to rounding.
#pragma once
#include <set>

#include "tuco/core/graph.h"

namespace tuco::deploy {

/// The node that computes `value`, if nothing but one node reads that; else null.
Graph::Node* sole_producer(Graph& graph, int value);

/// Whether all of the values are constants.
bool all_constant(const Graph& graph, std::span<const int> values);
/// Adds a constant and returns its number.
int add_constant(Graph& graph, const std::string& name, const Tensor& tensor);

/// A batch norm with constant statistics as x * scale + shift, for each channel, in float64.
struct NormFactors {
  Tensor scale, shift;
};
NormFactors norm_factors(const Graph& graph, const Graph::Node& node, const op::BatchNorm& norm);

/// Computes once what depends on constants alone.
void fold_constants(Graph& graph);
/// Makes one of several affine ops in a row: in int8, one rounding.
void fold_affine(Graph& graph);
/// Drops ops that hand their input through.
void drop_identities(Graph& graph);
/// Folds a batch norm into the weights of the convolution or linear layer before it; one that
/// follows something else becomes a depthwise 1x1 convolution.
void fold_batch_norm(Graph& graph);
/// Folds ReLU and clamp into the op whose only reader they are, where that op is a convolution, a
/// linear layer, an addition, a subtraction or a multiplication.
void fold_activations(Graph& graph);

/// Whether the op brings other numbers into its first input's scale in int8: concat, maximum,
/// minimum, and padding with anything but 0.
bool joins_scales(const op::Any& op);
/// Puts a clamp without bounds, in int8 a change of scale, before each input of an op that joins
/// scales whose scale is not free to become the op's: the graph's input, and what comes from
/// softmax, sigmoid and tanh.
void isolate_joined_inputs(Graph& graph);

/// The values whose scale `value` must have: itself, or what it comes from through pooling, moves
/// and ops that join scales, none of which changes the scale in int8.
std::set<int> scale_sources(const Graph& graph, int value);

/// Gives constants that share a name different ones, by which files tell them apart.
void make_names_unique(Graph& graph);

/// All of the passes above, in the order that lets each find the most.
void optimize(Graph& graph);

}  // namespace tuco::deploy
