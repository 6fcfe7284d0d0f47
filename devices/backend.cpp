#include "tuco/core/backend.h"

#include "tuco/core/error.h"
#include "tuco/devices/cpu/cpu_backend.h"

namespace tuco {

Backend& backend(Device device) {
  require<DeviceError>(device.kind == Device::Kind::cpu && device.index == 0,
                       "no device {}: this build of Tuco has the CPU only", device);
  return cpu::cpu_backend();
}

}  // namespace tuco
