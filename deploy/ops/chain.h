// Ops on one tensor for which TFLite has no int8 operator of its own, but others that compute the
// same one after another. The chain of these defines the op's numbers, so that a .tflite file in
// which it stands gives them in every byte; Tuco's executors have one table for all of it.
#pragma once
#include <optional>

#include "tuco/deploy/quantize.h"

namespace tuco::deploy {

/// The int8 graph, of a tensor of scale `in` to one of scale `out`, that the op is; nothing if it
/// is none. Of Affine: a multiplication by and an addition of one number, as far as there are both,
/// a subtraction from one number, or a change of scale. Of Power: the product of the tensor with
/// itself, for the exponent 2. Throws UnsupportedOp for numbers and scales beyond float32.
std::optional<Graph> chain_of(const op::Affine& op, const Quantization& in,
                              const Quantization& out);
std::optional<Graph> chain_of(const op::Power& op, const Quantization& in, const Quantization& out);

}  // namespace tuco::deploy
