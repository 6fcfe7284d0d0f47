#include <fmt/format.h>

#include "tuco/core/file.h"
#include "tuco/core/safetensors.h"
#include "tuco/deploy/device_file.h"
#include "tuco/deploy/device_model.h"
#include "tuco/deploy/graph_file.h"
#include "tuco/deploy/import_tflite.h"
#include "tuco/deploy/memory_plan.h"
#include "tuco/tools/commands.h"

namespace tuco::tools {
namespace {

void print_tensors(const NamedTensors& tensors, const std::string& path, const Metadata& metadata) {
  int64_t numbers = 0, bytes = 0;
  size_t width = 0;
  for (const auto& [name, tensor] : tensors) {
    numbers += tensor.numel();
    bytes += tensor.numel() * static_cast<int64_t>(size_of(tensor.dtype()));
    width = std::max(width, name.size());
  }
  fmt::print("{}: {} tensors, {} numbers, {} bytes\n", path, tensors.size(), numbers, bytes);
  if (!metadata.empty()) fmt::print("\nMetadata\n");
  for (const auto& [key, value] : metadata)
    if (key != "tuco.graph") fmt::print("  {} = {:?}\n", key, value);
  fmt::print("\nTensors\n");
  for (const auto& [name, tensor] : tensors)
    fmt::print("  {:<{}}  {:<8} {}\n", name, width, tensor.dtype(), tensor.shape());
}

void print_graph(const deploy::StoredNetwork& network) {
  fmt::print("\nGraph\n{}", network.graph.to_string());
  if (!network.rounding) return;
  // The arena is that of the exported C, which has no channels that never change.
  const auto plan = deploy::plan_memory(deploy::device_model({network.graph, *network.rounding}));
  fmt::print("\nArena {} bytes (no plan can do with less than {})\n", plan.arena_bytes,
             plan.lower_bound);
}

void inspect(const std::string& path) {
  const File file = File::open(path);
  if (deploy::is_device_file(file)) {
    fmt::print("{}", deploy::describe_device_file(file));
    return;
  }
  if (deploy::is_tflite(file)) {
    const deploy::StoredNetwork network = deploy::import_tflite(file);
    NamedTensors constants;
    for (const Graph::Value& value : network.graph.values)
      if (value.constant.defined()) constants.emplace_back(value.name, value.constant);
    print_tensors(constants, path, {});
    print_graph(network);
    return;
  }
  const Safetensors weights = load_safetensors(file);
  print_tensors(weights.tensors, path, weights.metadata);
  if (weights.metadata.contains("tuco.graph")) print_graph(deploy::load_network(file));
}

}  // namespace

void add_inspect(CLI::App& app) {
  auto path = std::make_shared<std::string>();
  CLI::App* command = app.add_subcommand("inspect", "show what a model or checkpoint holds");
  command->add_option("FILE", *path, "a .safetensors or .tflite file")->required();
  command->callback([path] { inspect(*path); });
}

}  // namespace tuco::tools
