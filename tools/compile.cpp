#include <fmt/format.h>

#include <filesystem>

#include "tuco/core/error.h"
#include "tuco/core/file.h"
#include "tuco/core/text.h"
#include "tuco/deploy/cost.h"
#include "tuco/deploy/device_file.h"
#include "tuco/deploy/device_report.h"
#include "tuco/deploy/export_c.h"
#include "tuco/deploy/graph_file.h"
#include "tuco/deploy/passes.h"
#include "tuco/tools/calibration.h"
#include "tuco/tools/commands.h"
#include "tuco/tools/device_report_html.h"
#include "tuco/tools/measure.h"
#include "tuco/tools/outputs.h"
#include "tuco/tools/packages.h"

namespace tuco::tools {
namespace {

namespace fs = std::filesystem;

/// A kind of folder around the generated files.
struct Package {
  const char *option, *help;
  PackageFiles (*files)(const deploy::CSource& c, const std::string& name);
};
constexpr Package kPackages[] = {
    {"--arduino", "write an Arduino library into this folder", arduino_library},
    {"--cmake", "write a CMake and Zephyr module into this folder", cmake_module},
    {"--makefile", "write a bare-metal program with a Makefile into this folder", makefile_project},
};

/// Strips are made once, for all that is written.
constexpr deploy::DeviceOptions kAsItIs = {.strips = false};

struct Compile {
  std::string file, output;
  /// One for each of kPackages; empty where it is not wanted.
  std::string folders[std::size(kPackages)];
  Quantizing quantizing;
  std::optional<uint64_t> ram;
  bool no_strips = false, reports = false, measures = false;
  std::vector<std::string> report_files;

  void run() const {
    const bool packages =
        std::ranges::any_of(folders, [](const std::string& f) { return !f.empty(); });
    const fs::path path = output.empty() ? "model" : output;
    const bool is_file = path.extension() == ".tuco";
    const std::string name = (is_file ? path.stem() : path.filename()).string();
    const deploy::QuantizedModel whole = deploy::device_model(int8_model(), kAsItIs);
    deploy::DeviceOptions options{.strips = !no_strips};
    if (ram) options.arena_bytes = static_cast<int64_t>(*ram);
    const deploy::QuantizedModel model = deploy::device_model(whole, options);
    const deploy::CSource c = deploy::generate_c(model, name, kAsItIs);

    Outputs outputs;
    int64_t flash = c.constants.total();
    if (is_file) {
      const Bytes bytes = deploy::make_device_file(model, kAsItIs).bytes;
      flash = static_cast<int64_t>(bytes.size());
      outputs.add(path, {bytes.begin(), bytes.end()});
    } else if (!output.empty() || !packages) {
      outputs.add(path.string() + ".c", c.source);
      outputs.add(path.string() + ".h", c.header);
    }
    for (size_t i = 0; i < std::size(kPackages); ++i) {
      if (folders[i].empty()) continue;
      outputs.make_folder(folders[i]);
      for (auto& [part, text] : kPackages[i].files(c, name))
        outputs.add(fs::path(folders[i]) / part, std::move(text));
    }
    std::string words;
    if (reports || measures) {
      const deploy::DeviceReport found = make_report(model, c, name);
      for (const std::string& to : report_files)
        outputs.add(to, to.ends_with(".html") ? to_html(found) : found.to_json());
      words = "\n" + found.to_text();
    }
    outputs.write();
    const std::vector<std::string> paths = outputs.paths();
    fmt::print("wrote {}: {} bytes{} in flash, an arena of {} bytes in RAM, {}\n{}",
               fmt::join(paths, ", "), grouped(flash), is_file ? "" : " of constants",
               grouped(c.arena_bytes), products_text(model, whole), words);
  }

  /// With what strips cost.
  static std::string products_text(const deploy::QuantizedModel& model,
                                   const deploy::QuantizedModel& whole) {
    const int64_t products = deploy::products_of(model.graph);
    const int64_t without = deploy::products_of(whole.graph);
    std::string text = grouped(products) + " products a run";
    if (model.graph.nodes.size() == whole.graph.nodes.size()) return text;
    if (products == without) return text + ", no more than without strips";
    return text + fmt::format(", {:.1f} % more than without strips",
                              100.0 * static_cast<double>(products - without) /
                                  static_cast<double>(without));
  }

  deploy::DeviceReport make_report(const deploy::QuantizedModel& model, const deploy::CSource& c,
                                   const std::string& name) const {
    deploy::DeviceReport report = deploy::make_device_report(model, name, {}, kAsItIs);
    if (!measures) return report;
    const CoreMeasures measured = measure_cores(c, name, report);
    if (measured.costs.empty())
      throw Error(
          fmt::format("compile: nothing could be measured: {}", fmt::join(measured.notes, "; ")));
    report = deploy::make_device_report(model, name, measured.costs, kAsItIs);
    report.notes = measured.notes;
    return report;
  }

  deploy::QuantizedModel int8_model() const {
    deploy::StoredNetwork network = deploy::load_network(File::open(file));
    if (network.rounding) {
      require<Error>(quantizing.calibrate.empty(),
                     "compile: {} is an int8 model already: it needs no --calibrate", file);
      return {std::move(network.graph), *network.rounding};
    }
    const Tensor sample = quantizing.sample("compile", file, network.graph);
    deploy::optimize(network.graph);
    return deploy::quantize(network.graph, sample, {.calibration = quantizing.method});
  }
};

/// What is wrong with the name of a report's file, or nothing.
std::string report_file_error(const std::string& file) {
  if (file.ends_with(".json") || file.ends_with(".html")) return "";
  return fmt::format("a report is a .json or .html file, not {}", file);
}

}  // namespace

void add_compile(CLI::App& app) {
  auto options = std::make_shared<Compile>();
  CLI::App* command = app.add_subcommand("compile", "turn a model into C for a microcontroller");
  command->add_option("MODEL", options->file, "float or int8 model (.safetensors, .tflite)")
      ->required();
  options->quantizing.add_options(*command);
  CLI::Option* ram =
      command
          ->add_option(
              "--ram", options->ram,
              "the most bytes (64K) that the arena may have: the first layers are computed "
              "in strips where that helps, at the cost of more products")
          ->transform(CLI::AsSizeValue(false));
  command
      ->add_flag("--no-strips", options->no_strips,
                 "compute no layer in strips; else the first ones are where that saves memory and "
                 "costs no product")
      ->excludes(ram);
  command->add_option(
      "-o,--output", options->output,
      "path of the C files without an ending, its last part the network's name "
      "(model); or NAME.tuco, a file that a microcontroller loads (see tuco runtime)");
  for (size_t i = 0; i < std::size(kPackages); ++i)
    command->add_option(kPackages[i].option, options->folders[i], kPackages[i].help)
        ->type_name("DIR");
  CLI::Option* report =
      command
          ->add_option(
              "--report", options->report_files,
              "say what the model costs on microcontrollers; to .json and .html files, too")
          ->expected(0, 2)
          ->type_name("FILE")
          ->check(report_file_error);
  command->add_flag("--measure", options->measures,
                    "measure the report's instructions and code in emulators, where compilers and "
                    "QEMU are installed");
  command->callback([options, report] {
    options->reports = report->count() > 0;
    std::erase(options->report_files, "");  // what --report alone gives
    options->run();
  });
}

}  // namespace tuco::tools
