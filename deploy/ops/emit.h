// Arguments of the runtime's kernels that several ops share.
#pragma once
#include "tuco/core/ops/window.h"
#include "tuco/deploy/rules.h"

namespace tuco::deploy {

/// The places of a node's output and of its first input.
Argument output_place(const Program& program, const QuantizedNode& node);
Argument input_place(const Program& program, const QuantizedNode& node);
/// One of two operands, which may be a constant.
Argument operand(Program& program, const QuantizedNode& node, int i);
/// The constant input 2, or null where there is none.
Argument bias_of(Program& program, const QuantizedNode& node);
/// Adds a tuco_window for one image.
Argument window_structure(Program& program, const WindowGeometry& geometry);
/// Adds a tuco_requantization with its multipliers and shifts.
Argument requantization_structure(Program& program, const QuantizedNode& node);
/// "TUCO_DOUBLE_ROUNDING" or "TUCO_SINGLE_ROUNDING".
std::string_view rounding_name(Rounding rounding);
/// Elements of a value for one image: the product of all sizes but the batch.
int64_t elements_per_image(const Graph::Value& value);
int64_t bytes_per_image(const Graph::Value& value);

}  // namespace tuco::deploy
