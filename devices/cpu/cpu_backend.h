// The CPU as a Backend.
#pragma once
#include "tuco/core/backend.h"

namespace tuco::cpu {

/// The one object; it lives until the program ends, and after all tensors.
Backend& cpu_backend();

}  // namespace tuco::cpu
