#include <fmt/format.h>

#include "tuco/core/safetensors.h"
#include "tuco/deploy/graph_file.h"
#include "tuco/deploy/memory_plan.h"
#include "tuco/tools/commands.h"

namespace tuco::tools {
namespace {

void inspect(const std::string& path) {
  const Safetensors file = load_safetensors(path);
  int64_t numbers = 0, bytes = 0;
  size_t width = 0;
  for (const auto& [name, tensor] : file.tensors) {
    numbers += tensor.numel();
    bytes += tensor.numel() * static_cast<int64_t>(size_of(tensor.dtype()));
    width = std::max(width, name.size());
  }
  fmt::print("{}: {} tensors, {} numbers, {} bytes\n\nMetadata\n", path, file.tensors.size(),
             numbers, bytes);
  for (const auto& [key, value] : file.metadata)
    if (key != "tuco.graph") fmt::print("  {} = {:?}\n", key, value);
  fmt::print("\nTensors\n");
  for (const auto& [name, tensor] : file.tensors)
    fmt::print("  {:<{}}  {:<8} {}\n", name, width, tensor.dtype(), tensor.shape());
  if (!file.metadata.contains("tuco.graph")) return;
  const Graph graph = deploy::load_graph(path);
  fmt::print("\nGraph\n{}", graph.to_string());
  if (!deploy::is_quantized(graph)) return;
  const auto plan = deploy::plan_memory(deploy::load_model(path));
  fmt::print("\nArena {} bytes (no plan can do with less than {})\n", plan.arena_bytes,
             plan.lower_bound);
}

}  // namespace

void add_inspect(CLI::App& app) {
  auto path = std::make_shared<std::string>();
  CLI::App* command = app.add_subcommand("inspect", "show what a model or checkpoint holds");
  command->add_option("FILE", *path, "a .safetensors file")->required();
  command->callback([path] { inspect(*path); });
}

}  // namespace tuco::tools
