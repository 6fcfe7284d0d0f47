#include <fmt/format.h>

#include "tuco/autograd/functions.h"
#include "tuco/core/error.h"
#include "tuco/data/loader.h"
#include "tuco/deploy/graph_file.h"
#include "tuco/deploy/passes.h"
#include "tuco/deploy/report.h"
#include "tuco/tools/calibration.h"
#include "tuco/tools/commands.h"

namespace tuco::tools {
namespace {

struct Export {
  std::string model, calibrate, test, output = "model";
  int64_t samples = 256;
  deploy::Calibration method = deploy::Calibration::mean_square_error;

  void run() const {
    Graph graph = deploy::load_graph(model);
    if (deploy::is_quantized(graph)) {
      require<Error>(calibrate.empty() && test.empty(),
                     "export: {} is an int8 model already: it needs no --calibrate or --test",
                     model);
      write_code(deploy::load_model(model));
      return;
    }
    require<Error>(!calibrate.empty(),
                   "export: {} is a float model: --calibrate DIR names photographs of its kind",
                   model);
    const auto calibration = photos_for("export", model, graph, calibrate);
    const Tensor sample = calibration.sample(std::min(samples, calibration.size()));
    deploy::optimize(graph);
    const auto quantized = deploy::quantize(graph, sample, {.calibration = method});
    auto report = deploy::make_report(graph, quantized, slice(sample, 0, 0, 64), model);
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
    const auto c = deploy::write_c(quantized, output);
    fmt::print("wrote {0}.c and {0}.h: {1} bytes of constants, an arena of {2} bytes\n\n", output,
               c.constants.total(), c.arena_bytes);
  }
};

}  // namespace

void add_export(CLI::App& app) {
  auto options = std::make_shared<Export>();
  CLI::App* command = app.add_subcommand("export", "turn a model into int8 C code");
  command->add_option("MODEL", options->model, "float or int8 model (.safetensors)")->required();
  command->add_option("--calibrate", options->calibrate,
                      "folder or place in a .tar with photographs, a folder for each class");
  command->add_option("--samples", options->samples, "how many photographs to calibrate on")
      ->check(CLI::PositiveNumber);
  command->add_option("--method", options->method, "how ranges are chosen: minmax or mse")
      ->transform(CLI::CheckedTransformer(std::map<std::string, deploy::Calibration>{
          {"minmax", deploy::Calibration::min_max},
          {"mse", deploy::Calibration::mean_square_error}}));
  command->add_option("--test", options->test, "photographs to count right answers on");
  command->add_option("-o,--output", options->output, "path of the results without an ending");
  command->callback([options] { options->run(); });
}

}  // namespace tuco::tools
