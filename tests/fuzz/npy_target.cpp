#include "tests/fuzz/target.h"
#include "tuco/core/npy.h"

namespace tuco::fuzz {
namespace {

Bytes file_of(std::string_view header, size_t data_bytes, uint8_t version = 1) {
  Bytes bytes = {0x93, 'N', 'U', 'M', 'P', 'Y', version, 0, static_cast<uint8_t>(header.size()), 0};
  if (version > 1) bytes.insert(bytes.end(), {0, 0});
  bytes.insert(bytes.end(), header.begin(), header.end());
  bytes.resize(bytes.size() + data_bytes);
  return bytes;
}

}  // namespace

std::vector<Bytes> samples() {
  return {file_of("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }\n", 24),
          file_of("{'descr': '|b1', 'fortran_order': True, 'shape': (2, 1, 2), }\n", 4, 2),
          file_of("{'descr': '<i8', 'fortran_order': False, 'shape': (), }\n", 8, 3),
          file_of("{'descr': '|u1', 'fortran_order': False, 'shape': (0,), }", 0)};
}

void parse(const Bytes& bytes) { load_npy(File::memory(bytes, "fuzz")); }

}  // namespace tuco::fuzz
