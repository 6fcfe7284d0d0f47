// Runs a float Graph op by op: the plain executor that passes and quantization are compared with.
#pragma once
#include <functional>

#include "tuco/core/graph.h"

namespace tuco::deploy {

/// Called with each computed value and its number.
using ValueObserver = std::function<void(int value, const Tensor& tensor)>;

/// The graph's outputs for such inputs, off the tape. Throws ShapeError or DTypeError if the inputs
/// do not fit; `observer`, if given, sees the inputs and every result.
std::vector<Tensor> run_graph(const Graph& graph, const std::vector<Tensor>& inputs,
                              const ValueObserver& observer = {});

/// Shapes of all values when the batch is `batch`, for float graphs and quantized ones. Throws
/// ShapeError naming the op where they do not fit.
std::vector<Shape> infer_shapes(const Graph& graph, int64_t batch);

}  // namespace tuco::deploy
