#include "tuco/tools/measure.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "tuco/bench/mcu/image.h"
#include "tuco/bench/mcu/work_folder.h"
#include "tuco/core/error.h"
#include "tuco/core/file.h"

namespace tuco::tools {
namespace {

namespace fs = std::filesystem;
using deploy::Core;

/// The emulated board that stands for a core, with as much memory as there is, and what the
/// compiler is told besides.
struct Stand {
  Core core;
  std::string board;
  std::vector<std::string> flags = {};
};
const std::vector<Stand>& stands() {
  static const std::vector<Stand> list = {{Core::kCortexM0Plus, "mps2-an385-m0plus"},
                                          {Core::kCortexM4, "mps2-an386"},
                                          {Core::kCortexM7, "mps2-an500"},
                                          {Core::kCortexM33, "mps2-an505"},
                                          {Core::kCortexM55, "mps3-an547"},
                                          {Core::kRv32imc, "riscv32-virt", {"-march=rv32imc"}}};
  return list;
}

/// The number in the name of a layer's function: 3 of "net_layer_3.isra.0"; -1 if there is none.
int layer_number(const std::string& function) {
  const size_t at = function.rfind("_layer_");
  return at == std::string::npos ? -1 : std::atoi(function.c_str() + at + 7);
}

/// Instructions of each layer of the report. Calls come in the order of the layers, but a compiler
/// may keep one function for two layers that are the same, or leave out one that changes nothing.
std::vector<double> by_layer(const std::vector<bench::Call>& calls,
                             const std::vector<deploy::DeviceLayer>& layers) {
  std::vector<double> result(layers.size(), 0);
  size_t next = 0;
  for (const bench::Call& call : calls) {
    const int number = layer_number(call.function);
    if (number >= static_cast<int>(next)) next = static_cast<size_t>(number);
    while (next < layers.size() && layers[next].work.kernel.empty()) ++next;
    require<Error>(next < layers.size(), "compile: the emulator ran {} of {} layers again",
                   call.function, layers.size());
    result[next++] = static_cast<double>(call.instructions);
  }
  return result;
}

/// The end of what a compiler or linker said, where the cause is.
std::string cause(const std::string& what) {
  if (what.find("overflowed by") != std::string::npos)
    return "it is too large for the emulated board";
  return what.size() <= 600 ? what : "... " + what.substr(what.size() - 600);
}

}  // namespace

CoreMeasures measure_cores(const deploy::CSource& c, const std::string& name,
                           const deploy::DeviceReport& estimates) {
  const bench::WorkFolder work;
  const fs::path path = work.part("model") / name;
  write_file(path.string() + ".h", c.header);
  write_file(path.string() + ".c", c.source);
  CoreMeasures result;
  for (const Stand& stand : stands()) {
    const auto note = [&](const std::string& why) {
      result.notes.push_back(fmt::format("{} is estimated: {}", deploy::name(stand.core), why));
    };
    const auto board = std::ranges::find(bench::kBoards, stand.board, &bench::Board::name);
    if (const auto missing = bench::missing_for(*board); !missing.empty()) {
      note(fmt::format("there is no {}", fmt::join(missing, ", no ")));
      continue;
    }
    try {
      const bench::Model model = bench::read_model(path.string() + ".c", 1);
      const auto m = bench::measure(model, {*board, "2", stand.flags}, work.part(stand.board));
      const auto count = static_cast<double>(m.instructions);
      result.costs.push_back({.core = stand.core,
                              .measured = true,
                              .instructions = {count, count, count},
                              .layers = by_layer(m.calls, estimates.layers),
                              .code_bytes = m.model.code + m.model.padding,
                              .stack_bytes = m.stack});
    } catch (const std::exception& error) {
      note(cause(error.what()));
    }
  }
  return result;
}

}  // namespace tuco::tools
