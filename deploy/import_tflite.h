// Networks from .tflite files, the format of TensorFlow Lite (docs/tflite.md says which operators).
#pragma once
#include "tuco/deploy/graph_file.h"

namespace tuco::deploy {

/// Whether the file says of itself that it is a .tflite.
bool is_tflite(const File& file);

/// The network in a .tflite file: an int8 model, with double rounding, or a float graph. Its batch
/// is open, whatever the file says. Throws FormatError for a file that is wrong, and UnsupportedOp
/// naming the operator that Tuco lacks, or the attribute.
StoredNetwork import_tflite(const File& file);

}  // namespace tuco::deploy
