#include "tests/support/test_device.h"

#include <fmt/format.h>

#include <cstdlib>

#include "tuco/core/backend.h"
#include "tuco/core/error.h"

namespace tuco::test {

std::vector<Device> test_devices() {
  if (const char* chosen = std::getenv("TUCO_TEST_DEVICE")) {
    const Device device = Device::parse(chosen);
    try {
      backend(device);
    } catch (const DeviceError& error) {
      fmt::print("SKIPPED: {}\n", error.what());
      std::fflush(stdout);
      std::_Exit(0);
    }
    return {device};
  }
  std::vector<Device> devices = {Device::cpu()};
  try {
    backend(Device::cuda());
    devices.push_back(Device::cuda());
  } catch (const DeviceError&) {
    // A build, or a machine, without one.
  }
  return devices;
}

}  // namespace tuco::test
