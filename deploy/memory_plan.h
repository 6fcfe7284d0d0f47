// The memory plan: where in one arena each activation of a model lies while it is needed.
#pragma once
#include <optional>
#include <vector>

#include "tuco/deploy/quantize.h"

namespace tuco::deploy {

/// What a node's kernel needs of memory beside its inputs and its output.
struct NodeMemory {
  /// Bytes that are free to write while the kernel runs.
  int64_t scratch = 0;
  /// For each input: by how many bytes its place must be behind the output's if both are to
  /// overlap, which they may where nothing else reads the input later: the kernel writes no byte
  /// that it has still to read. Empty: they may not.
  std::vector<std::optional<int64_t>> lead;
  /// The kernel goes from the last byte to the first: the output's place must be that much behind
  /// the input's instead.
  bool descending = false;
  /// The output may have the place of its first input, of the same size.
  bool in_place = false;
  /// The output is the first input's bytes from here on: both may have one place.
  std::optional<int64_t> stretch = {};
  /// The inputs are the output's bytes from here on, one after another; empty where they are not.
  std::vector<int64_t> stretches = {};
};

/// The places of a graph's activations, in bytes.
struct MemoryPlan {
  /// Offset of each value in the arena, -1 for constants. The input's and the output's are there
  /// too.
  std::vector<int64_t> offsets;
  /// Size of each value, 0 for constants.
  std::vector<int64_t> sizes;
  /// Offset of each node's scratch memory, -1 where there is none.
  std::vector<int64_t> scratch;
  /// First and last node (by number) during which each value is needed; inputs and states are there
  /// from -1, and states stay.
  std::vector<int> first, last;
  /// What the arena must hold.
  int64_t arena_bytes = 0;
  /// The most that any one node needs with what lives beside it: no plan can do with less.
  int64_t lower_bound = 0;
};

/// What a plan may do.
struct MemoryOptions {
  /// Offsets are multiples of this.
  int64_t alignment = 4;
  /// Nothing is written over the inputs, so that they can be read again after a run.
  bool keep_inputs = false;
  /// For each node; empty where kernels need no scratch memory, point-wise ops work in place, and
  /// nothing else overlaps.
  std::vector<NodeMemory> nodes = {};
  /// Stretches have one place with what they are a part of, so that nothing has to be copied.
  bool share_stretches = false;
  /// What a state becomes is written in the place of what it was (deploy/states.h).
  bool states_in_place = false;
};

/// Plans the arena for values of such sizes in bytes: reshapes are free, ops work in place where
/// they can and nobody else reads their input, inputs and outputs overlap as far as
/// MemoryOptions::nodes allow, and the rest is packed, largest first, the best of several orders.
/// Deterministic.
MemoryPlan plan_memory(const Graph& graph, const std::vector<int64_t>& sizes,
                       const MemoryOptions& options);
/// The plan with these offsets, such as plan_memory gave for the same graph, sizes and options.
/// For plans without scratch memory. Throws Error if they do not fit: overlapping values, or an
/// arena of more than four times what is needed.
MemoryPlan adopt_memory_plan(const Graph& graph, const std::vector<int64_t>& sizes,
                             const MemoryOptions& options, const std::vector<int64_t>& offsets);
/// The plan of an int8 model for one image on a device.
MemoryPlan plan_memory(const QuantizedModel& model);

}  // namespace tuco::deploy
