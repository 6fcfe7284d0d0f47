#include "tests/fuzz/target.h"
#include "tuco/core/error.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    tuco::fuzz::parse(tuco::Bytes(data, data + size));
  } catch (const tuco::Error&) {
  }
  return 0;
}
