#include <fmt/format.h>

#include "tuco/core/error.h"
#include "tuco/core/file.h"
#include "tuco/core/text.h"
#include "tuco/deploy/cost.h"
#include "tuco/deploy/device_file.h"
#include "tuco/deploy/export_c.h"
#include "tuco/deploy/graph_file.h"
#include "tuco/deploy/passes.h"
#include "tuco/tools/calibration.h"
#include "tuco/tools/commands.h"

namespace tuco::tools {
namespace {

struct Compile {
  std::string model, output = "model";
  Quantizing quantizing;
  std::optional<uint64_t> ram;

  void run() const {
    deploy::DeviceOptions options;
    if (ram) options.arena_bytes = static_cast<int64_t>(*ram);
    const deploy::QuantizedModel int8 = int8_model();
    if (output.ends_with(".tuco")) {
      const deploy::DeviceFile file = deploy::write_device_file(int8, output, options);
      fmt::print("wrote {}: {} bytes in flash, an arena of {} bytes in RAM, {}\n", output,
                 grouped(static_cast<int64_t>(file.bytes.size())), grouped(file.arena_bytes),
                 products_text(file.products, int8));
      return;
    }
    const deploy::CSource c = deploy::write_c(int8, output, options);
    fmt::print(
        "wrote {0}.c and {0}.h: {1} bytes of constants in flash, an arena of {2} bytes in RAM, "
        "{3}\n",
        output, grouped(c.constants.total()), grouped(c.arena_bytes),
        products_text(c.products, int8));
  }

  /// With what strips cost.
  static std::string products_text(int64_t products, const deploy::QuantizedModel& int8) {
    std::string text = grouped(products) + " products a run";
    const int64_t whole = deploy::products_of(deploy::device_model(int8).graph);
    if (products > whole)
      text +=
          fmt::format(", {:.1f} % more than without strips",
                      100.0 * static_cast<double>(products - whole) / static_cast<double>(whole));
    return text;
  }

  deploy::QuantizedModel int8_model() const {
    deploy::StoredNetwork network = deploy::load_network(File::open(model));
    if (network.rounding) {
      require<Error>(quantizing.calibrate.empty(),
                     "compile: {} is an int8 model already: it needs no --calibrate", model);
      return {std::move(network.graph), *network.rounding};
    }
    const Tensor sample = quantizing.sample("compile", model, network.graph);
    deploy::optimize(network.graph);
    return deploy::quantize(network.graph, sample, {.calibration = quantizing.method});
  }
};

}  // namespace

void add_compile(CLI::App& app) {
  auto options = std::make_shared<Compile>();
  CLI::App* command = app.add_subcommand("compile", "turn a model into C for a microcontroller");
  command->add_option("MODEL", options->model, "float or int8 model (.safetensors, .tflite)")
      ->required();
  options->quantizing.add_options(*command);
  command
      ->add_option("--ram", options->ram,
                   "the most bytes (64K) that the arena may have: the first layers are computed in "
                   "strips where that helps, at the cost of more products")
      ->transform(CLI::AsSizeValue(false));
  command->add_option("-o,--output", options->output,
                      "path of the C files without an ending; or NAME.tuco, a file that a "
                      "microcontroller loads (see tuco runtime)");
  command->callback([options] { options->run(); });
}

}  // namespace tuco::tools
