// From the nodes of a quantized graph to the ops on int8 tensors with which a Backend computes the
// same bytes as the reference interpreter.
#pragma once
#include "tuco/deploy/rules.h"

namespace tuco::deploy {

/// The node as an op for a Backend, by the op's rule `lower`. Throws UnsupportedOp for a node that
/// has no int8 form.
Int8Op int8_op(const QuantizedNode& node);

}  // namespace tuco::deploy
