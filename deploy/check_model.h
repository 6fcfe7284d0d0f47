// What the int8 rules of deploy take for granted about a model, as checks for models from files.
#pragma once
#include "tuco/deploy/quantize.h"

namespace tuco::deploy {

/// Throws FormatError or UnsupportedOp unless interpreter, memory plan and C export can trust the
/// model: each op has an int8 form, each activation one scale, each weight one for each channel;
/// scales are tied where the arithmetic has no change of scale; no size is 0, and no 32-bit sum can
/// overflow.
void check_model(const QuantizedModel& model);

/// The part of it that looks at one node, whose values must be there.
void check_node(const Graph& graph, const Graph::Node& node);

}  // namespace tuco::deploy
