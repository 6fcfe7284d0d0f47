#include <fmt/format.h>

#include "tuco/core/text.h"
#include "tuco/deploy/engine/plan_file.h"
#include "tuco/tools/commands.h"

namespace tuco::tools {
namespace {

struct Compile {
  std::string model, output = "model.plan", device = "cpu";
  deploy::PlanOptions options;
  bool verbose = false;

  void run() {
    options.device = Device::parse(device);
    const deploy::Plan plan = deploy::plan_of_file(model, options);
    deploy::save_plan(output, plan);
    if (verbose) fmt::print("{}\n", plan.to_string());
    fmt::print(
        "wrote {}: {}, {} steps, {} bytes of constants, an arena of {} bytes for batches of "
        "up to {} (no plan can do with less than {})\n",
        output, plan.is_quantized() ? "int8" : "float", plan.steps().size(),
        grouped(plan.constant_bytes()), grouped(plan.arena_bytes()), plan.max_batch(),
        grouped(plan.arena_lower_bound()));
  }
};

}  // namespace

void add_plan(CLI::App& app) {
  auto options = std::make_shared<Compile>();
  CLI::App* command =
      app.add_subcommand("plan", "compile a model for this machine, to be loaded and run");
  command->add_option("MODEL", options->model, "model with its graph (.safetensors, .tflite)")
      ->required();
  command->add_option("-o,--output", options->output, "the file to write");
  command->add_option("--batch", options->options.max_batch, "the largest batch that it will run")
      ->check(CLI::PositiveNumber);
  command->add_option("--device", options->device, "what it is for: cpu or cuda");
  command->add_flag("--verbose", options->verbose, "print the steps");
  command->callback([options] { options->run(); });
}

}  // namespace tuco::tools
