// The memory plan: where in one arena each activation of a model lies while it is needed.
#pragma once
#include <vector>

#include "tuco/deploy/quantize.h"

namespace tuco::deploy {

/// The places of a graph's activations, in bytes.
struct MemoryPlan {
  /// Offset of each value in the arena, -1 for constants. The input's and the output's are there
  /// too.
  std::vector<int64_t> offsets;
  /// Size of each value, 0 for constants.
  std::vector<int64_t> sizes;
  /// First and last node (by number) during which each value is needed; the input is there from -1.
  std::vector<int> first, last;
  /// What the arena must hold.
  int64_t arena_bytes = 0;
  /// The most that is needed at any one time: no plan can do with less.
  int64_t lower_bound = 0;
};

/// What a plan may do.
struct MemoryOptions {
  /// Offsets are multiples of this.
  int64_t alignment = 4;
  /// Nothing is written over the inputs, so that they can be read again after a run.
  bool keep_inputs = false;
};

/// Plans the arena for values of such sizes in bytes: reshapes are free, point-wise ops work in
/// place where nobody else reads their input, and the rest is packed, largest first, the best of
/// several orders. Deterministic.
MemoryPlan plan_memory(const Graph& graph, const std::vector<int64_t>& sizes,
                       const MemoryOptions& options);
/// The plan with these offsets, such as plan_memory gave for the same graph, sizes and options.
/// Throws Error if they do not fit: overlapping values, or an arena of more than four times what is
/// needed.
MemoryPlan adopt_memory_plan(const Graph& graph, const std::vector<int64_t>& sizes,
                             const MemoryOptions& options, const std::vector<int64_t>& offsets);
/// The plan of an int8 model for one image on a device.
MemoryPlan plan_memory(const QuantizedModel& model);

}  // namespace tuco::deploy
