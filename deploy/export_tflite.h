// Networks as .tflite files, the format of TensorFlow Lite, for its runtimes and tools
// (docs/tflite.md says which ops). TFLite Micro's reference kernels give an int8 model's file the
// bytes of the interpreter.
#pragma once
#include "tuco/core/file.h"
#include "tuco/core/safetensors.h"
#include "tuco/deploy/quantize.h"

namespace tuco::deploy {

/// The file of an int8 model, for one image at a time. Preprocessing and `more` go into its
/// metadata. Throws UnsupportedOp naming the node and what the format has no form for, single
/// rounding among it.
Bytes generate_tflite(const QuantizedModel& model, const Metadata& more = {});
/// As above for a float graph.
Bytes generate_tflite(const Graph& graph, const Metadata& more = {});

/// Writes generate_tflite's file. An old file stays whole when it fails. Throws IoError, and as
/// generate_tflite does.
void write_tflite(const std::string& path, const QuantizedModel& model, const Metadata& more = {});
void write_tflite(const std::string& path, const Graph& graph, const Metadata& more = {});

}  // namespace tuco::deploy
