// Part of `tuco bench`: the machine's own limits.
#pragma once
#include <string>

namespace tuco::tools {

/// Measures arithmetic and memory at their peak, on one thread and on all; as a table or as a line
/// of JSON.
std::string machine_limits(bool json);

}  // namespace tuco::tools
