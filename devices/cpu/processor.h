// What the processor calls itself.
#pragma once
#include <string>

namespace tuco::cpu {

/// As "Intel(R) Xeon(R) Platinum 8375C CPU @ 2.90GHz"; the architecture where there is no name.
const std::string& processor_name();

}  // namespace tuco::cpu
