// A generated model with what build systems want around it: an Arduino library, a CMake and Zephyr
// module, and a bare-metal program with its own Makefile, start-up code and linker script.
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "tuco/deploy/export_c.h"

namespace tuco::tools {

/// Files of a package: paths below its folder, and their texts. The same model gives the same
/// files.
using PackageFiles = std::vector<std::pair<std::string, std::string>>;

/// An Arduino library: library.properties, the model in src/ and a sketch that runs it, in
/// examples/. `c` is generate_c's under `name`. Throws Error for names that the Arduino tools
/// refuse.
PackageFiles arduino_library(const deploy::CSource& c, const std::string& name);

/// A folder that serves CMake's add_subdirectory (target NAME) and Zephyr (a module;
/// CONFIG_TUCO_NAME).
PackageFiles cmake_module(const deploy::CSource& c, const std::string& name);

/// A program for a Cortex-M4 without an operating system: `make` builds it, `make run` runs it in
/// QEMU's board mps2-an386.
PackageFiles makefile_project(const deploy::CSource& c, const std::string& name);

}  // namespace tuco::tools
