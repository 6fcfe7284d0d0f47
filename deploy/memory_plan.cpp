#include "tuco/deploy/memory_plan.h"

#include <numeric>

#include "tuco/core/error.h"
#include "tuco/core/rng.h"
#include "tuco/deploy/ops/emit.h"

namespace tuco::deploy {
namespace {

/// Random orders that are tried after the usual ones.
constexpr int kShuffles = 500;
/// Offsets from files may not be larger, so that sums of them do not overflow.
constexpr int64_t kMaxOffset = int64_t{1} << 60;

/// A piece of memory that one or several values use one after another.
struct Buffer {
  int64_t size = 0;
  int first = 0, last = 0;
  bool meets(const Buffer& other) const { return first <= other.last && other.first <= last; }
};

/// Places buffers in the given order, each at the lowest address that is free while it lives.
int64_t pack(const std::vector<Buffer>& buffers, const std::vector<int>& order,
             std::vector<int64_t>& offsets) {
  std::vector<int> placed;
  int64_t total = 0;
  for (const int b : order) {
    int64_t offset = 0;
    // `placed` is sorted by address: move up past each neighbour that is in the way.
    for (const int other : placed)
      if (buffers[b].meets(buffers[other]) && offset + buffers[b].size > offsets[other])
        offset = std::max(offset, offsets[other] + buffers[other].size);
    offsets[b] = offset;
    placed.insert(std::ranges::upper_bound(placed, offset, {}, [&](int i) { return offsets[i]; }),
                  b);
    total = std::max(total, offset + buffers[b].size);
  }
  return total;
}

/// What has to be placed: the plan without its offsets, and the buffers.
struct Task {
  MemoryPlan plan;
  std::vector<Buffer> buffers;
  /// The buffer of each value: its own, or that of the input whose place it takes.
  std::vector<int> buffer_of;
  /// The buffers that have a size.
  std::vector<int> sized;

  /// The plan with the buffers at these offsets.
  MemoryPlan finish(const Graph& graph, const std::vector<int64_t>& offsets, int64_t bytes) {
    plan.arena_bytes = bytes;
    if (!sized.empty())
      for (size_t v = 0; v < buffer_of.size(); ++v)
        if (!graph.values[v].constant.defined()) plan.offsets[v] = offsets[buffer_of[v]];
    return std::move(plan);
  }
};

Task task_of(const Graph& graph, const std::vector<int64_t>& sizes, const MemoryOptions& options) {
  const int values = static_cast<int>(graph.values.size());
  const int nodes = static_cast<int>(graph.nodes.size());
  Task task;
  MemoryPlan& plan = task.plan;
  plan.offsets.assign(values, -1);
  plan.sizes = sizes;
  plan.first.assign(values, 0);
  plan.last.assign(values, -1);
  for (const int v : graph.inputs) plan.first[v] = -1;
  for (int n = 0; n < nodes; ++n) {
    for (const int v : graph.nodes[n].outputs) plan.first[v] = plan.last[v] = n;
    for (const int v : graph.nodes[n].inputs) plan.last[v] = n;
  }
  for (const int v : graph.outputs) plan.last[v] = nodes;
  if (options.keep_inputs)
    for (const int v : graph.inputs) plan.last[v] = nodes;

  std::vector<Buffer>& buffers = task.buffers;
  task.buffer_of.resize(values);
  std::iota(task.buffer_of.begin(), task.buffer_of.end(), 0);
  buffers.resize(values);
  for (int v = 0; v < values; ++v) {
    if (graph.values[v].constant.defined()) plan.sizes[v] = 0;
    buffers[v] = {(plan.sizes[v] + options.alignment - 1) / options.alignment * options.alignment,
                  plan.first[v], plan.last[v]};
  }
  for (int n = 0; n < nodes; ++n) {
    const Graph::Node& node = graph.nodes[n];
    const int output = node.outputs[0];
    for (const int input : node.inputs) {
      const int buffer = task.buffer_of[input];
      // An alias shows the same bytes; a result in place may overwrite them after their last use.
      const bool joins =
          is_alias(node.op) || (works_in_place(node.op) && buffers[buffer].last == n &&
                                plan.sizes[input] == plan.sizes[output]);
      if (!joins || graph.values[input].constant.defined()) continue;
      task.buffer_of[output] = buffer;
      buffers[buffer].last = std::max(buffers[buffer].last, plan.last[output]);
      buffers[output].size = 0;
      break;
    }
  }

  for (int v = 0; v < values; ++v)
    if (buffers[v].size > 0) task.sized.push_back(v);
  for (int n = -1; n <= nodes; ++n) {
    int64_t needed = 0;
    for (const int b : task.sized)
      if (buffers[b].first <= n && n <= buffers[b].last) needed += buffers[b].size;
    plan.lower_bound = std::max(plan.lower_bound, needed);
  }
  return task;
}

}  // namespace

MemoryPlan plan_memory(const Graph& graph, const std::vector<int64_t>& sizes,
                       const MemoryOptions& options) {
  Task task = task_of(graph, sizes, options);
  const std::vector<Buffer>& buffers = task.buffers;
  std::vector<int> order = task.sized;
  std::vector<int64_t> offsets(buffers.size(), 0), best_offsets;
  int64_t best = std::numeric_limits<int64_t>::max();
  const auto attempt = [&] {
    const int64_t total = pack(buffers, order, offsets);
    if (total >= best) return;
    best = total;
    best_offsets = offsets;
  };
  std::ranges::stable_sort(order, std::greater{}, [&](int b) { return buffers[b].size; });
  attempt();
  std::ranges::stable_sort(order, {}, [&](int b) { return buffers[b].first; });
  attempt();
  std::ranges::stable_sort(order, std::greater{}, [&](int b) {
    return buffers[b].size * (buffers[b].last - buffers[b].first + 1);
  });
  attempt();
  Rng rng(1);
  for (int i = 0; i < kShuffles && best > task.plan.lower_bound; ++i) {
    for (uint32_t k = static_cast<uint32_t>(order.size()); k > 1; --k)
      std::swap(order[k - 1], order[rng.below(k)]);
    attempt();
  }
  return task.finish(graph, best_offsets, order.empty() ? 0 : best);
}

MemoryPlan adopt_memory_plan(const Graph& graph, const std::vector<int64_t>& sizes,
                             const MemoryOptions& options, const std::vector<int64_t>& offsets) {
  Task task = task_of(graph, sizes, options);
  require<Error>(offsets.size() == graph.values.size(), "memory plan: {} offsets for {} values",
                 offsets.size(), graph.values.size());
  std::vector<int64_t> places(offsets.size(), 0);
  int64_t bytes = 0;
  for (const int b : task.sized) {
    require<Error>(
        offsets[b] >= 0 && offsets[b] <= kMaxOffset && offsets[b] % options.alignment == 0,
        "memory plan: offset {} of value {}", offsets[b], b);
    places[b] = offsets[b];
    bytes = std::max(bytes, places[b] + task.buffers[b].size);
    for (const int other : task.sized)
      require<Error>(other >= b || !task.buffers[b].meets(task.buffers[other]) ||
                         places[other] + task.buffers[other].size <= places[b] ||
                         places[b] + task.buffers[b].size <= places[other],
                     "memory plan: values {} and {} overlap", other, b);
  }
  // A plan that leaves gaps may ask for any amount of memory.
  require<Error>(bytes <= 4 * task.plan.lower_bound,
                 "memory plan: an arena of {} bytes, where {} are needed at once", bytes,
                 task.plan.lower_bound);
  return task.finish(graph, places, bytes);
}

MemoryPlan plan_memory(const QuantizedModel& model) {
  std::vector<int64_t> sizes;
  for (const Graph::Value& value : model.graph.values)
    sizes.push_back(value.constant.defined() ? 0 : elements_per_image(value));
  return plan_memory(model.graph, sizes, {.alignment = 4});  // kernels may load words
}

}  // namespace tuco::deploy
