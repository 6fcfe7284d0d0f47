// C99 export: a quantized model as one .c and one .h file that need nothing but <stdint.h> and
// <stddef.h>: no heap, no operating system, no floating point, the same bytes as the interpreter.
#pragma once
#include <string>

#include "tuco/deploy/device_model.h"
#include "tuco/deploy/program.h"
#include "tuco/deploy/quantize.h"

namespace tuco::deploy {

/// The two files' text and what they cost.
struct CSource {
  std::string header, source;
  /// Multiply-accumulates of a run.
  int64_t products = 0;
  /// Bytes of all constants, and of those of each node of the graph.
  ConstantBytes constants;
  std::vector<ConstantBytes> layers;
  /// Bytes of the arena, and the least that any plan could do with.
  int64_t arena_bytes = 0, arena_lower_bound = 0;
};

/// Generates C for a model with one input and one output, in the form of device_model. `name`
/// becomes the prefix of all names, and must be a C identifier. Throws Error for another name,
/// UnsupportedOp for an op without a kernel, and as device_model does.
CSource generate_c(const QuantizedModel& model, const std::string& name,
                   const DeviceOptions& options = {});

/// Writes generate_c's files as path.c and path.h, the last part of the path being the name. Old
/// files stay whole when it fails. Throws IoError, and as generate_c does.
CSource write_c(const QuantizedModel& model, const std::string& path,
                const DeviceOptions& options = {});

}  // namespace tuco::deploy
