#include "tests/fuzz/target.h"
#include "tuco/core/safetensors.h"

namespace tuco::fuzz {
namespace {

Bytes file_of(std::string_view header, size_t data_bytes) {
  Bytes bytes(8);
  for (size_t i = 0; i < 8; ++i) bytes[i] = static_cast<uint8_t>(header.size() >> 8 * i);
  bytes.insert(bytes.end(), header.begin(), header.end());
  bytes.resize(bytes.size() + data_bytes);
  return bytes;
}

}  // namespace

std::vector<Bytes> samples() {
  return {file_of("{}", 0),
          file_of(R"({"a":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]}})", 8),
          file_of(R"({"__metadata__":{"tuco.layout":"ohwi","k":""},)"
                  R"("w":{"dtype":"I64","shape":[],"data_offsets":[0,8]},)"
                  R"("b":{"dtype":"BOOL","shape":[3],"data_offsets":[8,11]},)"
                  R"("e":{"dtype":"U8","shape":[0,4],"data_offsets":[8,8]}}   )",
                  11)};
}

void parse(const Bytes& bytes) { load_safetensors(File::memory(bytes, "fuzz")); }

}  // namespace tuco::fuzz
