#include "tuco/deploy/device_cost.h"

#include <algorithm>
#include <map>

#include "tuco/deploy/cost.h"
#include "tuco/deploy/ops/emit.h"

namespace tuco::deploy {
namespace {

/// Instructions for a step, a byte of output, a call and a gathered value; bytes of code, which the
/// compiler fits to its arguments, and how many more of a kernel that is called with different
/// ones.
struct KernelCost {
  double step, output, call, gathered, code, general_code;
};
/// The tables' columns: cores whose instructions are about the same share one.
enum Column { kM0Plus, kSimd32, kM55, kRv32, kColumns };
struct Row {
  std::string_view kernel;
  KernelCost costs[kColumns];
};
struct ColumnFacts {
  /// Bytes of code that any network has, and for each layer.
  double code, layer_code;
  double error;
  int64_t stack;
};

#include "tuco/deploy/device_cost_table.inc"

Column column_of(Core core) {
  switch (core) {
    case Core::kCortexM0Plus:
      return kM0Plus;
    case Core::kCortexM55:
      return kM55;
    case Core::kRv32imc:
      return kRv32;
    default:
      return kSimd32;
  }
}

const Row& row_of(std::string_view kernel) {
  const auto row = std::ranges::find(kRows, kernel, &Row::kernel);
  return row == std::end(kRows) ? kRows[0] : *row;
}

/// Values that a pooling or a mean looks at.
int64_t values_seen(const Graph& graph, const Graph::Node& node) {
  const Graph::Value &in = graph.values[node.inputs[0]], &out = graph.values[node.outputs[0]];
  return std::visit(
      [&]<class Op>(const Op& op) -> int64_t {
        if constexpr (requires { op.window; }) {
          const WindowGeometry g = geometry(Op::name, op.window, in.meta.shape);
          return g.kernel.h * g.kernel.w * elements_per_image(out);
        } else if constexpr (std::is_same_v<Op, op::Mean> || std::is_same_v<Op, op::Sum>) {
          return elements_per_image(in);
        } else {
          return 0;
        }
      },
      node.op);
}

}  // namespace

KernelWork kernel_work(const Program& program, int layer) {
  const std::vector<Call>& calls = program.layers()[layer];
  if (calls.empty()) return {};
  const Graph& graph = program.graph();
  const Graph::Node& node = graph.nodes[layer];
  const Graph::Value& output = graph.values[node.outputs[0]];
  const int64_t products = cost_of(graph, node).products;
  return {.kernel = calls[0].kernel,
          .calls = static_cast<int64_t>(calls.size()),
          .steps = products > 0 ? products : values_seen(graph, node),
          .gathered = products > 0 ? products / output.meta.shape.back() : 0,
          .output_bytes = elements_per_image(output),
          .repeated = std::find(program.layers().begin(), program.layers().begin() + layer,
                                calls) != program.layers().begin() + layer};
}

double estimate_instructions(Core core, const KernelWork& work) {
  if (work.kernel.empty()) return 0;
  const KernelCost& cost = row_of(work.kernel).costs[column_of(core)];
  return cost.step * static_cast<double>(work.steps) +
         cost.output * static_cast<double>(work.output_bytes) +
         cost.call * static_cast<double>(work.calls) +
         cost.gathered * static_cast<double>(work.gathered);
}

double instruction_error(Core core) { return kFacts[column_of(core)].error; }

double estimate_code_bytes(Core core, const std::vector<KernelWork>& layers) {
  const Column column = column_of(core);
  std::map<std::string_view, int64_t> functions;
  double bytes = kFacts[column].code;
  for (const KernelWork& work : layers) {
    if (work.kernel.empty() || work.repeated) continue;
    bytes += kFacts[column].layer_code;
    functions[work.kernel] += work.calls;
  }
  for (const auto& [kernel, calls] : functions) {
    const KernelCost& cost = row_of(kernel).costs[column];
    bytes += cost.code + (calls > 1 ? cost.general_code : 0);
  }
  return bytes;
}

int64_t stack_bound(Core core) { return kFacts[column_of(core)].stack; }

}  // namespace tuco::deploy
