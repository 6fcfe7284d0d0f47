// Measures of a generated model in emulated microcontrollers, as a report on devices wants them.
#pragma once
#include <string>
#include <vector>

#include "tuco/deploy/device_report.h"
#include "tuco/deploy/export_c.h"

namespace tuco::tools {

/// What was measured, and why the rest was not, a line for each core.
struct CoreMeasures {
  std::vector<deploy::CoreCost> costs;
  std::vector<std::string> notes;
};

/// Compiles the files that generate_c made under `name` for each core whose compiler and emulator
/// are there, and runs the network once, on an input of zeros. `estimates` is the report on the
/// same model without measures.
CoreMeasures measure_cores(const deploy::CSource& c, const std::string& name,
                           const deploy::DeviceReport& estimates);

}  // namespace tuco::tools
