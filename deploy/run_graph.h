// Runs a float Graph op by op: the plain executor that passes and quantization are compared with.
#pragma once
#include <functional>

#include "tuco/core/graph.h"

namespace tuco::deploy {

/// Called with each computed value and its number.
using ValueObserver = std::function<void(int value, const Tensor& tensor)>;

/// The graph's outputs for such inputs, off the tape. `states`, if given, holds what the last run
/// left of each of the graph's states, or nothing before the first run, and then what this run
/// leaves; without it every run is a first one. Throws ShapeError or DTypeError if the inputs do
/// not fit; `observer`, if given, sees the inputs and every result.
std::vector<Tensor> run_graph(const Graph& graph, const std::vector<Tensor>& inputs,
                              const ValueObserver& observer = {},
                              std::vector<Tensor>* states = nullptr);

/// What the graph's states are before the first run of such a batch.
std::vector<Tensor> initial_states(const Graph& graph, int64_t batch);

/// Gives the values that a run begins with what `states` holds of the last one, or what the states
/// are before the first run, where that is null or empty. Throws Error if the states are not as
/// many, and ShapeError if they are of another batch.
void load_states(const Graph& graph, int64_t batch, const std::vector<Tensor>* states,
                 std::vector<Tensor>& values);
/// Leaves what the states became to the next run, unless `states` is null.
void store_states(const Graph& graph, const std::vector<Tensor>& values,
                  std::vector<Tensor>* states);

/// Shapes of all values when the batch is `batch`, for float graphs and quantized ones. Throws
/// ShapeError naming the op where they do not fit.
std::vector<Shape> infer_shapes(const Graph& graph, int64_t batch);

}  // namespace tuco::deploy
