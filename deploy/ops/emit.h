// The structs of the runtime that several ops' generated code shares.
#pragma once
#include "tuco/core/ops/window.h"
#include "tuco/deploy/rules.h"

namespace tuco::deploy {

/// Adds a tuco_window for one image and returns its identifier.
std::string window_structure(CWriter& c, const WindowGeometry& geometry);
/// Adds a tuco_requantization with its multipliers and shifts and returns its identifier.
std::string requantization_structure(CWriter& c, const QuantizedNode& node);
/// "TUCO_DOUBLE_ROUNDING" or "TUCO_SINGLE_ROUNDING".
std::string_view rounding_name(Rounding rounding);
/// Elements of a value for one image: the product of all sizes but the batch.
int64_t elements_per_image(const Graph::Value& value);

}  // namespace tuco::deploy
