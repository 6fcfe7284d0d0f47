// The command line of Tuco.
#include <fmt/format.h>

#include "tuco/core/error.h"
#include "tuco/tools/commands.h"

int main(int argc, char** argv) {
  CLI::App app("Tuco: neural networks from training to the microcontroller.", "tuco");
  app.require_subcommand(0, 1);
  app.set_help_all_flag("--help-all", "help on all commands");
  tuco::tools::add_predict(app);
  tuco::tools::add_export(app);
  tuco::tools::add_compile(app);
  tuco::tools::add_runtime(app);
  tuco::tools::add_bench(app);
  tuco::tools::add_plan(app);
  tuco::tools::add_inspect(app);
  tuco::tools::add_tune(app);
  try {
    app.parse(argc, argv);
    if (app.get_subcommands().empty()) {
      fmt::print(stderr, "tuco: which command?\n\n{}", app.help());
      return 1;
    }
  } catch (const CLI::ParseError& error) {
    return app.exit(error);
  } catch (const std::exception& error) {
    fmt::print(stderr, "tuco: {}\n", error.what());
    return 1;
  }
  return 0;
}
