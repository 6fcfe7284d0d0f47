#include <fmt/format.h>

#include "tuco/core/error.h"
#include "tuco/core/file.h"
#include "tuco/core/text.h"
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

  void run() const {
    if (output.ends_with(".tuco")) {
      const deploy::DeviceFile file = deploy::write_device_file(int8_model(), output);
      fmt::print("wrote {}: {} bytes in flash, an arena of {} bytes in RAM, {} products a run\n",
                 output, grouped(static_cast<int64_t>(file.bytes.size())),
                 grouped(file.arena_bytes), grouped(file.products));
      return;
    }
    const deploy::CSource c = deploy::write_c(int8_model(), output);
    fmt::print(
        "wrote {0}.c and {0}.h: {1} bytes of constants in flash, an arena of {2} bytes in RAM, {3} "
        "products a run\n",
        output, grouped(c.constants.total()), grouped(c.arena_bytes), grouped(c.products));
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
  command->add_option("-o,--output", options->output,
                      "path of the C files without an ending; or NAME.tuco, a file that a "
                      "microcontroller loads (see tuco runtime)");
  command->callback([options] { options->run(); });
}

}  // namespace tuco::tools
