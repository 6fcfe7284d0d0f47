#include "tuco/core/backend.h"

#include "tuco/core/error.h"
#include "tuco/devices/cpu/cpu_backend.h"
#ifdef TUCO_CUDA
#include "tuco/devices/cuda/cuda_backend.h"
#endif

namespace tuco {

Backend& backend(Device device) {
  if (device.kind == Device::Kind::cpu) {
    require<DeviceError>(device.index == 0, "no device {}: the CPU is one device", device);
    return cpu::cpu_backend();
  }
#ifdef TUCO_CUDA
  return cuda::cuda_backend(device.index);
#else
  fail<DeviceError>("no CUDA device: {} was asked for, and this build of Tuco has the CPU only",
                    device);
#endif
}

}  // namespace tuco
