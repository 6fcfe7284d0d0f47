// Moves that need not move: outputs that are a stretch of an input's bytes, and inputs that become
// a stretch of the output's.
#pragma once
#include <optional>
#include <vector>

#include "tuco/core/ops/moves.h"
#include "tuco/core/ops/views.h"
#include "tuco/deploy/rules.h"

namespace tuco::deploy {

/// Where in the bytes of an image of this shape the output begins, if it is a stretch of them.
std::optional<int64_t> stretch_of(const op::Slice& op, const Shape& shape);
std::optional<int64_t> stretch_of(const op::Permute& op, const Shape& shape);

/// Where in the bytes of the output each input begins, if all are stretches of them; else nothing.
std::vector<int64_t> stretches_of(const op::Concat& op, const QuantizedNode& node);

}  // namespace tuco::deploy
