// NVIDIA GPUs as Backends.
#pragma once
#include "tuco/core/backend.h"

namespace tuco::cuda {

/// The backend of GPU `index`, made when first asked for; it lives until the program ends, and
/// after all tensors. Throws DeviceError if there is no such GPU, or no driver or library for it.
Backend& cuda_backend(int index);

}  // namespace tuco::cuda
