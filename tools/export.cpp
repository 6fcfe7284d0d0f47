#include <fmt/format.h>

#include "tuco/autograd/functions.h"
#include "tuco/core/error.h"
#include "tuco/core/file.h"
#include "tuco/data/loader.h"
#include "tuco/deploy/export_tflite.h"
#include "tuco/deploy/graph_file.h"
#include "tuco/deploy/passes.h"
#include "tuco/deploy/report.h"
#include "tuco/tools/calibration.h"
#include "tuco/tools/commands.h"

namespace tuco::tools {
namespace {

struct Export {
  std::string model, test, output = "model";
  Quantizing quantizing;
  bool tflite = false;

  void run() const {
    deploy::StoredNetwork network = deploy::load_network(File::open(model));
    Graph& graph = network.graph;
    if (network.rounding) {
      require<Error>(quantizing.calibrate.empty() && test.empty(),
                     "export: {} is an int8 model already: it needs no --calibrate or --test",
                     model);
      write_code({graph, *network.rounding});
      return;
    }
    const Tensor sample = quantizing.sample("export", model, graph);
    deploy::optimize(graph);
    const auto quantized = deploy::quantize(graph, sample, {.calibration = quantizing.method});
    auto report = deploy::make_report(
        graph, quantized, slice(sample, 0, 0, std::min<int64_t>(64, sample.dim(0))), model);
    if (!test.empty()) {
      const auto pictures = photos_for("export", model, graph, test);
      require<Error>(pictures.class_names() == graph.preprocessing->class_names,
                     "export: the classes of {} are not the model's", test);
      report.accuracy = deploy::compare(graph, quantized, data::Loader(pictures));
    }
    write_code(quantized);
    deploy::save_model(output + ".int8.safetensors", quantized);
    deploy::write_report(report, output + ".report");
    fmt::print("{}", report.to_text());
  }

  void write_code(const deploy::QuantizedModel& quantized) const {
    if (tflite) {
      deploy::write_tflite(output + ".tflite", quantized);
      fmt::print("wrote {}.tflite\n", output);
    }
    const auto c = deploy::write_c(quantized, output);
    fmt::print("wrote {0}.c and {0}.h: {1} bytes of constants, an arena of {2} bytes\n\n", output,
               c.constants.total(), c.arena_bytes);
  }
};

}  // namespace

void add_export(CLI::App& app) {
  auto options = std::make_shared<Export>();
  CLI::App* command = app.add_subcommand("export", "turn a model into int8 C code");
  command->add_option("MODEL", options->model, "float or int8 model (.safetensors, .tflite)")
      ->required();
  options->quantizing.add_options(*command);
  command->add_flag("--tflite", options->tflite, "write the int8 model as a .tflite, too");
  command->add_option("--test", options->test, "photographs to count right answers on");
  command->add_option("-o,--output", options->output, "path of the results without an ending");
  command->callback([options] { options->run(); });
}

}  // namespace tuco::tools
