#include "tuco/deploy/memory_plan.h"

#include <numeric>

#include "tuco/core/rng.h"
#include "tuco/deploy/ops/emit.h"

namespace tuco::deploy {
namespace {

/// Addresses are multiples of this, so that kernels may load words.
constexpr int64_t kAlignment = 4;
/// Random orders that are tried after the usual ones.
constexpr int kShuffles = 500;

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

}  // namespace

MemoryPlan plan_memory(const QuantizedModel& model) {
  const Graph& graph = model.graph;
  const int values = static_cast<int>(graph.values.size());
  const int nodes = static_cast<int>(graph.nodes.size());
  MemoryPlan plan;
  plan.offsets.assign(values, -1);
  plan.sizes.assign(values, 0);
  plan.first.assign(values, 0);
  plan.last.assign(values, -1);
  for (const int v : graph.inputs) plan.first[v] = -1;
  for (int n = 0; n < nodes; ++n) {
    for (const int v : graph.nodes[n].outputs) plan.first[v] = plan.last[v] = n;
    for (const int v : graph.nodes[n].inputs) plan.last[v] = n;
  }
  for (const int v : graph.outputs) plan.last[v] = nodes;

  // Which buffer each value uses: its own, or that of the input whose place it takes.
  std::vector<int> buffer_of(values);
  std::iota(buffer_of.begin(), buffer_of.end(), 0);
  std::vector<Buffer> buffers(values);
  for (int v = 0; v < values; ++v) {
    if (graph.values[v].constant.defined()) continue;
    plan.sizes[v] = elements_per_image(graph.values[v]);
    buffers[v] = {(plan.sizes[v] + kAlignment - 1) / kAlignment * kAlignment, plan.first[v],
                  plan.last[v]};
  }
  for (int n = 0; n < nodes; ++n) {
    const Graph::Node& node = graph.nodes[n];
    const int output = node.outputs[0];
    for (const int input : node.inputs) {
      const int buffer = buffer_of[input];
      // An alias shows the same bytes; a result in place may overwrite them after their last use.
      const bool joins =
          is_alias(node.op) || (works_in_place(node.op) && buffers[buffer].last == n &&
                                plan.sizes[input] == plan.sizes[output]);
      if (!joins || graph.values[input].constant.defined()) continue;
      buffer_of[output] = buffer;
      buffers[buffer].last = std::max(buffers[buffer].last, plan.last[output]);
      buffers[output].size = 0;
      break;
    }
  }

  std::vector<int> order;
  for (int v = 0; v < values; ++v)
    if (buffers[v].size > 0) order.push_back(v);
  for (int n = -1; n <= nodes; ++n) {
    int64_t needed = 0;
    for (const int b : order)
      if (buffers[b].first <= n && n <= buffers[b].last) needed += buffers[b].size;
    plan.lower_bound = std::max(plan.lower_bound, needed);
  }

  std::vector<int64_t> offsets(values, 0), best_offsets;
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
  for (int i = 0; i < kShuffles && best > plan.lower_bound; ++i) {
    for (uint32_t k = static_cast<uint32_t>(order.size()); k > 1; --k)
      std::swap(order[k - 1], order[rng.below(k)]);
    attempt();
  }

  plan.arena_bytes = order.empty() ? 0 : best;
  for (int v = 0; v < values; ++v)
    if (!graph.values[v].constant.defined() && !order.empty())
      plan.offsets[v] = best_offsets[buffer_of[v]];
  return plan;
}

}  // namespace tuco::deploy
