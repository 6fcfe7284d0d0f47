#include "tuco/deploy/device_report.h"

#include <algorithm>
#include <cmath>

#include "tuco/core/error.h"
#include "tuco/deploy/cost.h"
#include "tuco/deploy/device_memory.h"
#include "tuco/deploy/ops/emit.h"
#include "tuco/deploy/report.h"
#include "tuco/deploy/rules.h"

namespace tuco::deploy {
namespace {

Shape of_one_image(const Graph::Value& value) {
  Shape shape = value.meta.shape;
  if (shape.rank() > 0) shape[0] = 1;
  return shape;
}

bool lies_in(const MemoryPlan& plan, int part, int whole) {
  return plan.offsets[part] >= plan.offsets[whole] &&
         plan.offsets[part] + plan.sizes[part] <= plan.offsets[whole] + plan.sizes[whole];
}

bool overlaps(const PlannedPlace& place, const MemoryPlan& plan, int value) {
  return place.offset < plan.offsets[value] + plan.sizes[value] &&
         plan.offsets[value] < place.offset + place.size;
}

/// The places of all activations and scratch memories that take bytes.
std::vector<PlannedPlace> places_of(const QuantizedModel& model, const MemoryPlan& plan) {
  const Graph& graph = model.graph;
  std::vector<PlannedPlace> places;
  std::vector<int> place_of(graph.values.size(), -1);
  const auto add = [&](int value, std::string name, int over) {
    if (plan.offsets[value] < 0 || plan.sizes[value] == 0) return;
    place_of[value] = static_cast<int>(places.size());
    places.push_back({std::move(name), plan.offsets[value], plan.sizes[value], plan.first[value],
                      plan.last[value], false, over});
  };
  for (const int value : graph.inputs) add(value, "input", -1);
  for (const Graph::State& state : graph.states)
    add(state.before, "state " + graph.values[state.before].name, -1);
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    const Graph::Node& node = graph.nodes[n];
    const int output = node.outputs[0], number = static_cast<int>(n);
    // The one input that it overlaps: the plan allows no second.
    int over = -1;
    for (const int input : node.inputs)
      if (place_of[input] >= 0 && overlaps(places[place_of[input]], plan, output))
        over = place_of[input];
    // What a state becomes lies where it was.
    for (const Graph::State& state : graph.states)
      for (const int value : node.outputs)
        if (value == state.after) place_of[value] = place_of[state.before];
    // Parts that lie in what they are joined to are there as that.
    if (std::holds_alternative<op::Concat>(node.op))
      for (const int input : node.inputs)
        if (place_of[input] >= 0 && lies_in(plan, input, output))
          places[place_of[input]].last = number - 1;
    const bool is_shown =
        over >= 0 && (is_alias(node.op) || places[over].last > number ||
                      (std::holds_alternative<op::Slice>(node.op) &&
                       lies_in(plan, output, node.inputs[0])));
    if (is_shown) {
      // The same bytes, or some of them: there until the last reader of either is done.
      place_of[output] = over;
      places[over].last = std::max(places[over].last, plan.last[output]);
    } else if (place_of[output] < 0) {
      add(output, node_label(node), over);
    }
    for (size_t i = 1; i < node.outputs.size(); ++i)
      if (place_of[node.outputs[i]] < 0)
        add(node.outputs[i], fmt::format("{} ({})", node_label(node), i + 1), -1);
    if (plan.scratch[n] >= 0)
      places.push_back({"scratch of " + node_label(node), plan.scratch[n],
                        device_memory(QuantizedNode{graph, node, model.rounding}).scratch, number,
                        number, true, -1});
  }
  return places;
}

/// Bytes that are covered by the places alive during a layer.
int64_t live_bytes(const std::vector<PlannedPlace>& places, int layer) {
  std::vector<std::pair<int64_t, int64_t>> stretches;
  for (const PlannedPlace& p : places)
    if (p.first <= layer && layer <= p.last) stretches.emplace_back(p.offset, p.offset + p.size);
  std::ranges::sort(stretches);
  int64_t sum = 0, covered = 0;
  for (const auto& [begin, end] : stretches) {
    sum += std::max<int64_t>(0, end - std::max(begin, covered));
    covered = std::max(covered, end);
  }
  return sum;
}

CoreCost estimated(Core core, const std::vector<KernelWork>& works) {
  CoreCost cost{.core = core};
  double sum = 0;
  for (const KernelWork& work : works) {
    cost.layers.push_back(std::round(estimate_instructions(core, work)));
    sum += cost.layers.back();
  }
  const double error = instruction_error(core);
  cost.instructions = {sum / (1 + error), sum, sum * (1 + error)};
  cost.code_bytes = std::llround(estimate_code_bytes(core, works));
  cost.stack_bytes = stack_bound(core);
  return cost;
}

BoardEstimate on_board(const DeviceBoard& board, const CoreCost& cost, const DeviceReport& report) {
  BoardEstimate result{.board = board, .measured = cost.measured};
  result.flash_bytes = report.constants.total() + cost.code_bytes;
  result.ram_bytes = report.arena_bytes + cost.stack_bytes;
  result.cycles = cost.instructions * board.cycles_per_instruction;
  for (const double instructions : cost.layers)
    result.layer_milliseconds.push_back(instructions * board.cycles_per_instruction.typical /
                                        (1e3 * board.megahertz));
  result.milliseconds = result.cycles * (1e-3 / board.megahertz);
  result.millijoules = result.cycles * board.picojoules_per_cycle * 1e-9;
  return result;
}

}  // namespace

const CoreCost& DeviceReport::cost(Core core) const {
  const auto found = std::ranges::find(cores, core, &CoreCost::core);
  require<Error>(found != cores.end(), "the report has no core {}", deploy::name(core));
  return *found;
}

DeviceReport make_device_report(const QuantizedModel& whole, const std::string& name,
                                const std::vector<CoreCost>& measured,
                                const DeviceOptions& options) {
  const DeviceProgram device(whole, options);
  const auto& [model, plan, program] = device;
  const Graph& graph = model.graph;

  DeviceReport report;
  report.name = name;
  report.places = places_of(model, plan);
  report.arena_bytes = plan.arena_bytes;
  report.arena_lower_bound = plan.lower_bound;
  report.constants = program.constant_bytes();
  for (const int value : graph.inputs)
    report.input_bytes += elements_per_image(graph.values[value]);
  for (const int value : graph.outputs)
    report.output_bytes += elements_per_image(graph.values[value]);
  std::vector<KernelWork> works;
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    const Graph::Node& node = graph.nodes[n];
    const int number = static_cast<int>(n);
    DeviceLayer layer{.name = node_label(node),
                      .input = of_one_image(graph.values[node.inputs[0]]),
                      .output = of_one_image(graph.values[node.outputs[0]]),
                      .work = kernel_work(program, number),
                      .products = cost_of(graph, node).products,
                      .constants = program.layer_bytes()[n],
                      .live_bytes = live_bytes(report.places, number)};
    for (const PlannedPlace& p : report.places)
      if (p.scratch && p.first == number) layer.scratch_bytes = p.size;
    report.products += layer.products;
    works.push_back(layer.work);
    report.layers.push_back(std::move(layer));
  }
  for (const Core core : deploy::cores()) {
    const auto found = std::ranges::find(measured, core, &CoreCost::core);
    require<Error>(found == measured.end() || found->layers.size() == report.layers.size(),
                   "make_device_report: measures of {} layers on {}, the model has {}",
                   found == measured.end() ? 0 : found->layers.size(), deploy::name(core),
                   report.layers.size());
    report.cores.push_back(found == measured.end() ? estimated(core, works) : *found);
  }
  for (const DeviceBoard& board : device_boards())
    report.boards.push_back(on_board(board, report.cost(board.core), report));
  return report;
}

}  // namespace tuco::deploy
