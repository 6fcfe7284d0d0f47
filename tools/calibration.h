// The samples that a command calibrates, or counts right answers, on.
#pragma once
#include <CLI/CLI.hpp>
#include <string>

#include "tuco/core/graph.h"
#include "tuco/data/image_folder.h"
#include "tuco/deploy/quantize.h"

namespace tuco::tools {

/// The pictures at `path` (a folder, or a place in a .tar, with a folder for each class) as
/// `model`'s graph wants its input. Throws Error naming the command if the graph does not say how,
/// or not as squares.
data::ImageFolder photos_for(const std::string& command, const std::string& model,
                             const Graph& graph, const std::string& path);

/// How a float model becomes an int8 one, as options of a command.
struct Quantizing {
  std::string calibrate;
  int64_t samples = 256;
  deploy::Calibration method = deploy::Calibration::mean_square_error;

  void add_options(CLI::App& command);
  /// Samples (n, ...) of the graph's input: photographs, or the array in a .npy file. Throws Error
  /// naming the command if there are none, or none that fit.
  Tensor sample(const std::string& command, const std::string& model, const Graph& graph) const;
};

}  // namespace tuco::tools
