// Where TFLite's own kernels stop, or overflow, so that a file has no result that one could agree
// on: scales that no network of use has, but files may.
#pragma once
#include "tuco/core/graph.h"

namespace tuco::tflite {

/// Throws UnsupportedOp for a node of an int8 graph at whose scales the format's reference kernels
/// give nothing that is defined.
void check_limits(const Graph& graph, const Graph::Node& node);

}  // namespace tuco::tflite
