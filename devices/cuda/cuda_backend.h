// NVIDIA GPUs as Backends.
#pragma once
#include "tuco/core/backend.h"

namespace tuco::cuda {

class DeviceContext;

/// The backend of GPU `index`, made when first asked for; it lives until the program ends, and
/// after all tensors. Throws DeviceError if there is no such GPU, or no driver or library for it.
Backend& cuda_backend(int index);
/// What cuda_backend(index) keeps for it. Throws as that does.
DeviceContext& context_of(int index);

/// How many GPUs there are; 0 without a device. Throws DeviceError where the driver refuses.
int device_count();

}  // namespace tuco::cuda
