// The photographs that a command calibrates, or counts right answers, on.
#pragma once
#include <string>

#include "tuco/core/error.h"
#include "tuco/core/graph.h"
#include "tuco/data/image_folder.h"

namespace tuco::tools {

/// The pictures at `path` (a folder, or a place in a .tar, with a folder for each class) as
/// `model`'s graph wants its input. Throws Error naming the command if the graph does not say how,
/// or not as squares.
inline data::ImageFolder photos_for(const std::string& command, const std::string& model,
                                    const Graph& graph, const std::string& path) {
  require<Error>(graph.preprocessing.has_value(),
                 "{}: {} does not say how a picture becomes its input", command, model);
  const Preprocessing& preprocessing = *graph.preprocessing;
  require<Error>(preprocessing.height == preprocessing.width,
                 "{}: pictures of {} x {}, expected a square", command, preprocessing.height,
                 preprocessing.width);
  return data::ImageFolder(path, {.size = preprocessing.height,
                                  .channels = preprocessing.channels,
                                  .resize = preprocessing.resize});
}

}  // namespace tuco::tools
