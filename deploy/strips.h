// Less memory by computing the first layers strip by strip: some rows of the last of them at a
// time, from the rows that these need, so that the large images in between never exist whole. Rows
// at the strips' edges are computed twice; the outputs stay the same in every byte.
#pragma once
#include "tuco/deploy/quantize.h"

namespace tuco::deploy {

/// After how many of a model's first nodes its strips may end: all nodes until then work row by
/// row, and a single value of theirs is read later.
std::vector<int> strip_ends(const QuantizedModel& model);

/// The model with its first `nodes` nodes, one of strip_ends(), in strips of at most `rows` rows of
/// what they compute.
QuantizedModel in_strips(const QuantizedModel& model, int nodes, int64_t rows);

/// Of the model and its forms in strips without a product more, the one whose arena and additional
/// calls together take the fewest bytes. The calls, 64 bytes of flash each, may take 2 % of what
/// the constants do.
QuantizedModel with_free_strips(const QuantizedModel& model);

/// The model itself if its arena has at most so many bytes; else, of those in strips that do with
/// them, the one with the fewest products. Throws Error saying how small the arena can get if there
/// is none.
QuantizedModel fit_arena(const QuantizedModel& model, int64_t arena_bytes);

}  // namespace tuco::deploy
