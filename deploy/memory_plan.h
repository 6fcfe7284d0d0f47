// The memory plan: where in one arena each activation of a model lies while it is needed.
#pragma once
#include <vector>

#include "tuco/deploy/quantize.h"

namespace tuco::deploy {

/// The places of a model's activations for one image, in bytes.
struct MemoryPlan {
  /// Offset of each value in the arena, -1 for constants. The input's and the output's are there
  /// too.
  std::vector<int64_t> offsets;
  /// Size of each value for one image, 0 for constants.
  std::vector<int64_t> sizes;
  /// First and last node (by number) during which each value is needed; the input is there from -1.
  std::vector<int> first, last;
  /// What the arena must hold.
  int64_t arena_bytes = 0;
  /// The most that is needed at any one time: no plan can do with less.
  int64_t lower_bound = 0;
};

/// Plans the arena: reshapes are free, point-wise ops work in place where nobody else reads their
/// input, and the rest is packed, largest first, the best of several orders. Deterministic.
MemoryPlan plan_memory(const QuantizedModel& model);

}  // namespace tuco::deploy
