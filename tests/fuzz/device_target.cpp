#include "tests/deploy/device_run.h"
#include "tests/deploy/pointwise_networks.h"
#include "tests/deploy/random_models.h"
#include "tests/fuzz/target.h"
#include "tuco/core/error.h"
#include "tuco/deploy/device_file.h"

namespace tuco::fuzz {

std::vector<Bytes> samples() {
  std::vector<Bytes> files;
  for (uint64_t seed = 1; seed <= 60; ++seed)
    files.push_back(deploy::make_device_file(test::random_int8_model(seed)).bytes);
  return files;
}

void parse(const Bytes& bytes) {
  constexpr size_t kArena = 4096;  // what is accepted runs soon
  // Behind a wrong checksum nothing else would be seen.
  const Bytes file = test::with_checksum(bytes);
  test::DeviceRun device(file, kArena);
  if (device.status() == TUCO_OK)
    device.run(std::vector<int8_t>(device.header().input.bytes, 3).data());
  else if (device.status() != TUCO_ARENA_TOO_SMALL)
    fail<FormatError>("status {}", device.status());
  (void)deploy::describe_device_file(File::memory(file, "fuzz"));
}

}  // namespace tuco::fuzz
