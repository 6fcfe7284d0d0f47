// Builds the image of a model for a board, runs it in the emulator and takes the measures.
#pragma once
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "boards.h"

namespace tuco::bench {

/// A model as Tuco generates it, PATH.c and PATH.h, with what it is to be run on.
struct Model {
  /// PATH and the name that all its C names begin with.
  std::filesystem::path path;
  std::string name;
  /// Sizes from the header, in bytes.
  int64_t arena = 0, input = 0, output = 0;
  /// Whether a run goes on from the last one.
  bool has_states = false;
  /// The comments before the layers' functions: "conv2d: 8 x 8 x 4 to 8 x 8 x 16, 4096 products".
  std::map<std::string, std::string> layers;
  /// The bytes of every case. Without cases there is one of zeros, and nothing to compare with.
  std::string inputs, outputs;
  int64_t cases() const { return inputs.empty() ? 1 : static_cast<int64_t>(inputs.size()) / input; }
};

/// Reads "PATH.c" or "PATH.c,input=FILE,output=FILE" (int8, one case after the other) or
/// "PATH.c,cases=FOLDER" (0_in.bin, 0_out.bin, 1_in.bin ...; `most` of them). Throws
/// std::runtime_error if files are missing or do not fit.
Model read_model(const std::string& argument, int64_t most);

/// The multiply-accumulates that a layer's comment gives; 0 if it gives none.
int64_t products_of(const std::string& comment);

/// How the model is compiled.
struct Variant {
  Board board;
  /// "2" for -O2; more options of the compiler.
  std::string optimize;
  std::vector<std::string> flags;
};

/// Bytes in flash. Padding is what the alignment of sections costs.
struct Bytes {
  int64_t code = 0, weights = 0, biases = 0, multipliers = 0, others = 0, padding = 0;
  int64_t constants() const { return weights + biases + multipliers + others; }
  int64_t total() const { return code + constants() + padding; }
};

/// A call that the model's run function makes.
struct Call {
  std::string function;
  int64_t instructions = 0;
};

/// What one variant of a model costs; mcu_bench.cpp says how each number is taken.
struct Measures {
  /// Instructions of the first case, by calls of the run function in their order, and by function,
  /// the most expensive first.
  int64_t instructions = 0;
  std::vector<Call> calls, functions;
  /// The model's own bytes; those in it that came from libgcc, memcpy and memset.
  Bytes model, support;
  /// Flash of the whole program without its cases, and RAM that the model has besides its arena.
  int64_t image = 0, model_ram = 0;
  /// Bytes of the model's functions and constants, by name.
  std::map<std::string, int64_t> symbols;
  int64_t stack = 0;
  /// Bytes that differ from the expected ones, and bytes next to the arena that were written to.
  int64_t differing = 0, touched = 0;
};

/// The programs and files that a measure on the board needs and that are not there: the compiler,
/// the emulator, and Tuco's sources and plugin, which an installed Tuco has not.
std::vector<std::string> missing_for(const Board& board);

/// Builds in `folder`, which exists, and runs. Throws std::runtime_error if the image cannot be
/// built (it may be too large for the board) or does not end as it should.
Measures measure(const Model& model, const Variant& variant, const std::filesystem::path& folder);

}  // namespace tuco::bench
