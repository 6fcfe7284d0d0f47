#include "tuco/deploy/memory_plan.h"

#include <numeric>

#include "tuco/core/error.h"
#include "tuco/core/rng.h"
#include "tuco/deploy/device_memory.h"
#include "tuco/deploy/ops/emit.h"

namespace tuco::deploy {
namespace {

/// Random orders that are tried after the usual ones: that many, fewer of many buffers.
constexpr int64_t kShuffles = 500, kShuffledPairs = kShuffles * 64 * 64;
/// Offsets from files may not be larger, so that sums of them do not overflow.
constexpr int64_t kMaxOffset = int64_t{1} << 60;

/// A piece of memory that one or several values use one after another, or a node's scratch.
struct Buffer {
  int64_t size = 0;
  int first = 0, last = 0;
  /// The buffer that this one may overlap while it is written and the other is read for the last
  /// times, if it begins at least `lead` bytes before it, or after it if `descending`; -1: none.
  int source = -1;
  int64_t lead = 0;
  bool descending = false;
  bool meets(const Buffer& other) const { return first <= other.last && other.first <= last; }
};

/// The offsets strictly between these two are not free.
struct Interval {
  int64_t low, high;
};

int64_t aligned(int64_t offset, int64_t alignment) {
  return (offset + alignment - 1) / alignment * alignment;
}

/// Where buffer b may not begin while `other` lies at `offset`.
Interval forbidden(const std::vector<Buffer>& buffers, int b, int other, int64_t offset) {
  Interval result{offset - buffers[b].size, offset + buffers[other].size};
  const auto limit = [&](const Buffer& output, bool is_output) {
    if (is_output != output.descending)
      result.low = offset - output.lead;
    else
      result.high = offset + output.lead;
  };
  if (buffers[b].source == other) limit(buffers[b], true);
  if (buffers[other].source == b) limit(buffers[other], false);
  return result;
}

bool fit(const std::vector<Buffer>& buffers, int b, int64_t at, int other, int64_t other_at) {
  if (!buffers[b].meets(buffers[other])) return true;
  const Interval i = forbidden(buffers, b, other, other_at);
  return at <= i.low || at >= i.high;
}

/// Places buffers in the given order, each at the lowest address that is free while it lives.
int64_t pack(const std::vector<Buffer>& buffers, const std::vector<int>& order, int64_t alignment,
             std::vector<int64_t>& offsets) {
  int64_t total = 0;
  for (size_t placed = 0; placed < order.size(); ++placed) {
    const int b = order[placed];
    int64_t offset = 0;
    for (bool moved = true; moved;) {
      moved = false;
      for (size_t i = 0; i < placed; ++i) {
        const int other = order[i];
        if (fit(buffers, b, offset, other, offsets[other])) continue;
        offset = aligned(forbidden(buffers, b, other, offsets[other]).high, alignment);
        moved = true;
      }
    }
    offsets[b] = offset;
    total = std::max(total, offset + buffers[b].size);
  }
  return total;
}

/// What has to be placed: the plan without its offsets, and the buffers.
struct Task {
  MemoryPlan plan;
  /// One for each value, then one for each node's scratch.
  std::vector<Buffer> buffers;
  /// The buffer of each value: its own, or that of a value whose place it shares, and how far
  /// behind the buffer's beginning it lies.
  std::vector<int> buffer_of;
  std::vector<int64_t> distance;
  /// Whether each node only shows bytes that are there.
  std::vector<bool> is_view;
  /// The buffers that have a size.
  std::vector<int> sized;

  /// The plan with the buffers at these offsets.
  MemoryPlan finish(const Graph& graph, const std::vector<int64_t>& offsets, int64_t bytes) {
    plan.arena_bytes = bytes;
    if (!sized.empty())
      for (size_t v = 0; v < buffer_of.size(); ++v)
        if (!graph.values[v].constant.defined())
          plan.offsets[v] = offsets[buffer_of[v]] + distance[v];
    for (size_t n = 0; n < plan.scratch.size(); ++n)
      if (buffers[buffer_of.size() + n].size > 0) plan.scratch[n] = offsets[buffer_of.size() + n];
    return std::move(plan);
  }
};

/// The least that the buffers alive during node n take.
int64_t needed(const std::vector<Buffer>& buffers, const std::vector<int>& sized, int n) {
  int64_t sum = 0, saved = 0;
  for (const int b : sized) {
    if (buffers[b].first > n || n > buffers[b].last) continue;
    sum += buffers[b].size;
    if (buffers[b].source < 0 || buffers[buffers[b].source].last < n) continue;
    int64_t before = buffers[b].size, after = buffers[buffers[b].source].size;
    if (buffers[b].descending) std::swap(before, after);
    const int64_t together = std::max(before, after + std::max<int64_t>(0, buffers[b].lead));
    saved += before + after - together;
  }
  return sum - saved;
}

/// A part of a buffer that is written from node `first` on, and its end.
struct Stretch {
  int first;
  int64_t end;
};

/// By how many bytes node n's output, whose stretches are written one after another, must begin
/// before a buffer that is read in between; nothing if they may not overlap.
std::optional<int64_t> lead_over(const Task& task, const Graph& graph, int n, int buffer,
                                 const std::vector<Stretch>& stretches) {
  const int first = task.buffers[graph.nodes[n].outputs[0]].first;
  int64_t lead = -task.buffers[buffer].size;
  for (int m = first; m <= n; ++m) {
    const Graph::Node& node = graph.nodes[m];
    if (task.buffer_of[node.outputs[0]] == buffer) {
      // Views neither read nor write; what else has its output there does.
      if (!task.is_view[m]) return std::nullopt;
      continue;
    }
    for (const int input : node.inputs) {
      if (task.buffer_of[input] != buffer) continue;
      for (const Stretch& stretch : stretches)
        if (stretch.first <= m) lead = std::max(lead, stretch.end - task.distance[input]);
    }
  }
  return lead;
}

/// Lets node n's output lie over the largest buffer that is read for the last times while it is
/// written.
void overlap_what_is_read(Task& task, const Graph& graph, int n,
                          const std::vector<Stretch>& stretches, int64_t alignment) {
  const int output = graph.nodes[n].outputs[0];
  Buffer& written = task.buffers[output];
  for (const int buffer : task.buffer_of) {
    const Buffer& read = task.buffers[buffer];
    if (read.size == 0 || read.first >= written.first || read.last < written.first ||
        read.last >= n || (written.source >= 0 && task.buffers[written.source].size >= read.size))
      continue;
    const auto lead = lead_over(task, graph, n, buffer, stretches);
    if (!lead) continue;
    written.source = buffer;
    written.lead = aligned(*lead, alignment);
  }
}

/// Gives the node's output a place in its input's buffer, or its inputs places in its output's,
/// where they are stretches of them.
void share_stretches(Task& task, const Graph& graph, int n, const NodeMemory& memory,
                     int64_t alignment) {
  const Graph::Node& node = graph.nodes[n];
  const int output = node.outputs[0];
  std::vector<Buffer>& buffers = task.buffers;
  if (memory.stretch && *memory.stretch % alignment == 0 &&
      !graph.values[node.inputs[0]].constant.defined()) {
    const int buffer = task.buffer_of[node.inputs[0]];
    task.buffer_of[output] = buffer;
    task.distance[output] = task.distance[node.inputs[0]] + *memory.stretch;
    task.is_view[n] = true;
    buffers[buffer].last = std::max(buffers[buffer].last, task.plan.last[output]);
    buffers[output].size = 0;
    return;
  }
  std::vector<Stretch> written;
  for (size_t i = 0; i < memory.stretches.size(); ++i) {
    const int input = node.inputs[i], buffer = task.buffer_of[input];
    // A buffer that is this input alone, which nobody reads later, and which no input of the graph
    // lies in: that has been written before the output's place is free.
    if (graph.values[input].constant.defined() || memory.stretches[i] % alignment != 0 ||
        task.distance[input] != 0 || buffers[buffer].last != n || buffers[buffer].first < 0 ||
        task.plan.sizes[buffer] != task.plan.sizes[input] ||
        std::ranges::count(node.inputs, input) > 1)
      continue;
    for (size_t v = 0; v < task.buffer_of.size(); ++v) {
      if (task.buffer_of[v] != buffer) continue;
      task.buffer_of[v] = output;
      task.distance[v] += memory.stretches[i];
    }
    written.push_back({buffers[buffer].first, memory.stretches[i] + task.plan.sizes[input]});
    buffers[output].first = std::min(buffers[output].first, buffers[buffer].first);
    buffers[buffer].size = 0;
    buffers[buffer].source = -1;
  }
  if (written.size() == memory.stretches.size() && !written.empty())
    overlap_what_is_read(task, graph, n, written, alignment);
}

Task task_of(const Graph& graph, const std::vector<int64_t>& sizes, const MemoryOptions& options) {
  const int values = static_cast<int>(graph.values.size());
  const int nodes = static_cast<int>(graph.nodes.size());
  Task task;
  MemoryPlan& plan = task.plan;
  plan.offsets.assign(values, -1);
  plan.scratch.assign(nodes, -1);
  plan.sizes = sizes;
  plan.first.assign(values, 0);
  plan.last.assign(values, -1);
  for (const int v : graph.given()) plan.first[v] = -1;
  for (int n = 0; n < nodes; ++n) {
    for (const int v : graph.nodes[n].outputs) plan.first[v] = plan.last[v] = n;
    for (const int v : graph.nodes[n].inputs) plan.last[v] = n;
  }
  for (const int v : graph.outputs) plan.last[v] = nodes;
  if (options.keep_inputs)
    for (const int v : graph.inputs) plan.last[v] = nodes;
  for (const Graph::State& state : graph.states)
    plan.last[state.before] = plan.last[state.after] = nodes;

  std::vector<Buffer>& buffers = task.buffers;
  task.distance.assign(values, 0);
  task.is_view.assign(nodes, false);
  task.buffer_of.resize(values);
  std::iota(task.buffer_of.begin(), task.buffer_of.end(), 0);
  buffers.resize(values + nodes);
  for (int v = 0; v < values; ++v) {
    if (graph.values[v].constant.defined()) plan.sizes[v] = 0;
    buffers[v] = {aligned(plan.sizes[v], options.alignment), plan.first[v], plan.last[v]};
  }
  if (options.states_in_place)
    for (const Graph::State& state : graph.states) {
      task.buffer_of[state.after] = state.before;
      buffers[state.after].size = 0;
    }
  for (int n = 0; n < nodes; ++n) {
    const Graph::Node& node = graph.nodes[n];
    const int output = node.outputs[0];
    task.is_view[n] = is_alias(node.op);
    const NodeMemory memory = options.nodes.empty() ? NodeMemory{} : options.nodes[n];
    buffers[values + n] = {aligned(memory.scratch, options.alignment), n, n};
    const auto dies_here = [&](int input) {
      return !graph.values[input].constant.defined() && buffers[task.buffer_of[input]].last == n;
    };
    if (task.buffer_of[output] != output) continue;
    if (options.share_stretches) share_stretches(task, graph, n, memory, options.alignment);
    if (task.buffer_of[output] != output) continue;
    for (const int input : node.inputs) {
      const int buffer = task.buffer_of[input];
      // An alias shows the same bytes; a result in place may overwrite them after their last use,
      // unless another input lies among them otherwise.
      const bool is_apart = std::ranges::none_of(node.inputs, [&](int other) {
        return task.buffer_of[other] == buffer && (task.distance[other] != task.distance[input] ||
                                                   plan.sizes[other] != plan.sizes[input]);
      });
      const bool joins =
          is_alias(node.op) ||
          ((works_in_place(node.op) || (memory.in_place && input == node.inputs[0])) &&
           dies_here(input) && is_apart && plan.sizes[input] == plan.sizes[output]);
      if (!joins || graph.values[input].constant.defined()) continue;
      task.buffer_of[output] = buffer;
      task.distance[output] = task.distance[input];
      buffers[buffer].last = std::max(buffers[buffer].last, plan.last[output]);
      buffers[output].size = 0;
      break;
    }
    if (task.buffer_of[output] != output) continue;
    for (size_t i = 0; i < memory.lead.size(); ++i) {
      if (!memory.lead[i] || !dies_here(node.inputs[i])) continue;
      // A second input that is the first again reads what the first's lead says nothing of.
      if (std::ranges::count(node.inputs, node.inputs[i]) > 1) continue;
      // The source is the whole buffer in which the input lies.
      const int64_t before =
          memory.descending ? -task.distance[node.inputs[i]] : task.distance[node.inputs[i]];
      buffers[output].source = task.buffer_of[node.inputs[i]];
      buffers[output].lead = aligned(*memory.lead[i] - before, options.alignment);
      buffers[output].descending = memory.descending;
      break;
    }
  }

  for (size_t b = 0; b < buffers.size(); ++b)
    if (buffers[b].size > 0) task.sized.push_back(static_cast<int>(b));
  for (int n = -1; n <= nodes; ++n)
    plan.lower_bound = std::max(plan.lower_bound, needed(buffers, task.sized, n));
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
    const int64_t total = pack(buffers, order, options.alignment, offsets);
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
  const auto count = static_cast<int64_t>(order.size());
  const int64_t shuffles =
      std::min(kShuffles, kShuffledPairs / std::max<int64_t>(1, count * count));
  for (int64_t i = 0; i < shuffles && best > task.plan.lower_bound; ++i) {
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
      require<Error>(other >= b || fit(task.buffers, b, places[b], other, places[other]),
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
    sizes.push_back(value.constant.defined() ? 0 : bytes_per_image(value));
  MemoryOptions options{.alignment = 4, .states_in_place = true};  // kernels may load words
  for (const Graph::Node& node : model.graph.nodes)
    options.nodes.push_back(device_memory({model.graph, node, model.rounding}));
  MemoryPlan copying = plan_memory(model.graph, sizes, options);
  options.share_stretches = true;
  MemoryPlan sharing = plan_memory(model.graph, sizes, options);
  return sharing.arena_bytes <= copying.arena_bytes ? sharing : copying;
}

}  // namespace tuco::deploy
