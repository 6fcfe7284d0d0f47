// mcu_bench: what generated models cost on emulated microcontrollers, exactly.
//   cmake --build build/release --target mcu_bench tuco_command
//   build/release/tools/tuco compile kws.tflite -o /tmp/kws
//   build/release/bench/mcu/mcu_bench /tmp/kws.c,cases=FOLDER more.c --board mps2-an386 --layers
//
// Each model is compiled for each board and linked with the start-up code of tests/mcu and a small
// program (image_main.c), without a C library, and runs in QEMU. All is built with
// -ffunction-sections -fdata-sections --gc-sections and one unit for each model. What is measured:
//   instructions  of the first case, executed from the call of NAME_run to its return, counted by a
//                 plugin in QEMU (tests/mcu/count_plugin.c); instructions are not cycles. By layer:
//                 from the call of a layer's function to its return.
//   products      multiply-accumulates, from the comments in the generated file
//   code          bytes of .text of the model's object in the image, and of what it needs from
//                 libgcc and of memcpy and memset: the program around it needs none of these
//   weights, biases, multipliers (with shifts), other
//                 bytes of the model's constants in the image, by the names of their sections
//                 (.rodata.NAME_weight_3); NAME_channels_3 has biases and multipliers in equal
//                 parts
//   code+other    the column "code and constants" of the targets: code, other constants, and what
//                 the alignment of the model's sections costs
//   arena         NAME_ARENA_BYTES
//   RAM           .data and .bss of the model besides its arena
//   stack         the most that one run takes below its caller's stack pointer: the stack is filled
//                 with a mark before each case (a frame's unused end is not seen)
//   image         flash of the whole program, start-up code and the program around the model
//                 included, without the bytes of the cases
//   output        whether every byte of every case is the expected one. 64 bytes on either side of
//                 the arena must stay as they are.
// The bytes come from the linker's map, which gives every input section that is in the image with
// its size; sections are checked to be filled by them to the byte. The exit code is 1 if anything
// did not build, run or compare equal.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <fstream>
#include <sstream>

#include "tuco/bench/mcu/report.h"
#include "tuco/bench/mcu/work_folder.h"

namespace tuco::bench {
namespace {

struct Options {
  std::vector<std::string> models, boards = {"mps2-an386"}, optimize = {"2"};
  std::string flags, json, work;
  int64_t cases = 8;
  int functions = 0;
  bool layers = false, markdown = false;
};

std::vector<Board> chosen_boards(const std::vector<std::string>& names) {
  std::vector<Board> boards;
  for (const std::string& name : names)
    for (const Board& board : kBoards)
      if (name == "all" || name == board.name || name == board.core) boards.push_back(board);
  return boards;
}

int measure_all(const Options& options) {
  std::vector<Model> models;
  for (const std::string& argument : options.models)
    models.push_back(read_model(argument, options.cases));
  std::vector<std::string> flags;
  std::istringstream words(options.flags);
  for (std::string flag; words >> flag;) flags.push_back(flag);

  const WorkFolder work(options.work);
  std::vector<Row> rows;
  for (const Model& model : models)
    for (const Board& board : chosen_boards(options.boards))
      for (const std::string& optimize : options.optimize) {
        Row& row = rows.emplace_back(Row{&model, {board, optimize, flags}, {}, {}});
        try {
          row.measures =
              measure(model, row.variant,
                      work.part(fmt::format("{}.{}.O{}", model.name, board.name, optimize)));
        } catch (const std::exception& error) {
          row.error = error.what();
          if (row.verdict() == "FAILED")
            fmt::print(stderr, "{} on {}: {}\n", model.name, board.name, row.error);
        }
      }
  fmt::print("{}", options.markdown ? markdown_table(rows) : text_table(rows));
  for (const Row& row : rows) {
    if (options.layers) fmt::print("{}", layer_table(row));
    if (options.functions > 0) fmt::print("{}", function_table(row, options.functions));
  }
  if (!options.json.empty()) {
    std::ofstream file(options.json);
    if (!(file << json(rows)) || !file.flush())
      throw std::runtime_error(options.json + ": cannot be written");
  }
  return std::ranges::all_of(rows, &Row::good) ? 0 : 1;
}

}  // namespace
}  // namespace tuco::bench

int main(int count, char** arguments) try {
  tuco::bench::Options options;
  CLI::App app(
      "What models as `tuco compile` writes them cost on emulated microcontrollers: "
      "instructions, bytes of flash and RAM, stack. Exact and repeatable; the head of "
      "bench/mcu/mcu_bench.cpp says how each number is taken.");
  app.add_option("MODEL", options.models,
                 "PATH.c beside PATH.h; with bytes to run on and to compare with: "
                 "PATH.c,input=FILE,output=FILE (one case after the other) or "
                 "PATH.c,cases=FOLDER (0_in.bin, 0_out.bin, 1_in.bin ...)")
      ->required();
  std::vector<std::string> known = {"all"};
  for (const auto& board : tuco::bench::kBoards) {
    known.push_back(board.name);
    if (std::ranges::find(known, board.core) == known.end()) known.push_back(board.core);
  }
  app.add_option("-b,--board", options.boards, "boards or cores (mps2-an386), or all")
      ->delimiter(',')
      ->check(CLI::IsMember(known));
  app.add_option("-O,--optimize", options.optimize, "how the model is compiled: 2, s, 3 ... (2)")
      ->delimiter(',');
  app.add_option("--flags", options.flags, "more options for compiling the model");
  app.add_option("--cases", options.cases, "run at most so many cases (8)")
      ->check(CLI::PositiveNumber);
  app.add_flag("-l,--layers", options.layers, "a table of layers for each row");
  app.add_option("-f,--functions", options.functions, "a table of the most expensive functions");
  app.add_flag("-m,--markdown", options.markdown, "the table as Markdown");
  app.add_option("--json", options.json, "write everything to this file, too");
  app.add_option("--work", options.work, "build in this folder and keep it (image.elf, image.map)");
  CLI11_PARSE(app, count, arguments);
  return tuco::bench::measure_all(options);
} catch (const std::exception& error) {
  fmt::print(stderr, "mcu_bench: {}\n", error.what());
  return 1;
}
