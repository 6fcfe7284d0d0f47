// Small int8 models at random: every op that has int8 rules, odd sizes, strides, paddings,
// dilations and groups, activations, scales over many orders of magnitude and zero points at both
// ends. Their numbers mean nothing; every executor has to agree on them.
#pragma once
#include "tuco/core/rng.h"
#include "tuco/deploy/quantize.h"

namespace tuco::test {

/// Int8 numbers from `low` to `high`.
Tensor random_integers(const Shape& shape, Rng& rng, int low = -128, int high = 127);

/// A chain of ops with some branches, of one input (1, h, w, c) or (1, n) and one output; the same
/// for the same seed.
deploy::QuantizedModel random_int8_model(uint64_t seed);

}  // namespace tuco::test
