// Models in files that devices read in place (.tuco): the calls and constants of a Program, as
// runtime/model_file.h lays them out and runtime/model.h checks and runs them.
#pragma once
#include <string>

#include "tuco/core/file.h"
#include "tuco/deploy/device_model.h"
#include "tuco/deploy/program.h"

namespace tuco::deploy {

/// A file's bytes and what it costs on a device.
struct DeviceFile {
  Bytes bytes;
  /// Multiply-accumulates of a run.
  int64_t products = 0;
  ConstantBytes constants;
  int64_t arena_bytes = 0, arena_lower_bound = 0;
  /// Bit n is set if kernel number n of runtime/kernel_list.h is called.
  uint32_t kernels = 0;
};

/// Makes the file of a model with one input and one output, in the form of device_model, and checks
/// it as devices do. Throws UnsupportedOp for an op without a kernel or a layer beyond what devices
/// take from files, and as device_model does.
DeviceFile make_device_file(const QuantizedModel& model, const DeviceOptions& options = {});

/// Writes make_device_file's bytes. An old file stays whole when it fails. Throws IoError, and as
/// make_device_file does.
DeviceFile write_device_file(const QuantizedModel& model, const std::string& path,
                             const DeviceOptions& options = {});

/// Whether a file begins as a device's model does.
bool is_device_file(const File& file);

/// The kernels that a file calls, as DeviceFile::kernels. Throws FormatError saying what is wrong
/// if a device would refuse the file.
uint32_t kernels_of_device_file(const File& file);

/// A file's header and calls as text. Throws as kernels_of_device_file does.
std::string describe_device_file(const File& file);

/// runtime/model.h with all that it needs as one C header for the user's program: loader and the
/// kernels of which a bit is set, or all.
std::string device_runtime(uint32_t kernels = ~uint32_t{0});

}  // namespace tuco::deploy
