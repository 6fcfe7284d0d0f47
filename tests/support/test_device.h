// Which devices a test runs on.
#pragma once
#include <vector>

#include "tuco/core/device.h"

namespace tuco::test {

/// The one that TUCO_TEST_DEVICE names, else all that this machine and build have. Where the one
/// that is named is not there, the program says that its tests are skipped, and ends.
std::vector<Device> test_devices();

}  // namespace tuco::test
