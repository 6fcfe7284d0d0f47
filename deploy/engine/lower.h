// Lowering: an optimized graph becomes the ops that a Backend runs, fused where it has fused
// kernels. What comes out is for the engine alone; files and other exporters keep the canonical
// ops.
#pragma once
#include <vector>

#include "tuco/deploy/quantize.h"

namespace tuco::deploy {

/// Convolution with bias, addition and clamp, and linear layer with bias and clamp, as one op each;
/// no node has an activation any more. `shapes` are the values' for the largest batch. Throws
/// UnsupportedOp for ops that bring their own code.
Graph lower(const Graph& graph, const std::vector<Shape>& shapes);

/// An int8 model as ops on int8 tensors that give the reference interpreter's bytes
/// (core/ops/quantized.h).
Graph lower(const QuantizedModel& model);

}  // namespace tuco::deploy
