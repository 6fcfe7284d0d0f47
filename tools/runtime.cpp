#include <fmt/format.h>

#include "tuco/core/file.h"
#include "tuco/deploy/device_file.h"
#include "tuco/tools/commands.h"

namespace tuco::tools {
namespace {

struct Runtime {
  std::vector<std::string> models;
  std::string output = "tuco_model.h";

  void run() const {
    uint32_t kernels = models.empty() ? ~uint32_t{0} : 0;
    for (const std::string& model : models)
      kernels |= deploy::kernels_of_device_file(File::open(model));
    write_file(output, deploy::device_runtime(kernels));
    fmt::print("wrote {}\n", output);
  }
};

}  // namespace

void add_runtime(CLI::App& app) {
  auto options = std::make_shared<Runtime>();
  CLI::App* command = app.add_subcommand(
      "runtime", "write the C header with which a microcontroller runs .tuco files");
  command->add_option("MODEL", options->models,
                      "models (.tuco) whose kernels it shall have; without any, all kernels");
  command->add_option("-o,--output", options->output, "the header");
  command->callback([options] { options->run(); });
}

}  // namespace tuco::tools
