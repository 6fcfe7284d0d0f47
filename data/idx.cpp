#include "tuco/data/idx.h"

#include <bit>

#include "tuco/core/error.h"
#include "tuco/data/gzip.h"

namespace tuco::data {
namespace {

DType type_of(unsigned code, const std::string& name) {
  switch (code) {
    case 0x08:
      return DType::uint8;
    case 0x09:
      return DType::int8;
    case 0x0B:
      return DType::int16;
    case 0x0C:
      return DType::int32;
    case 0x0D:
      return DType::float32;
    case 0x0E:
      return DType::float64;
    default:
      fail<FormatError>("{}: IDX: unknown type {:#04x}", name, code);
  }
}

}  // namespace

IdxArray read_idx(const File& file) {
  const std::string& name = file.name();
  std::array<uint8_t, 4> magic;
  file.read(0, magic);
  if (is_gzip(magic)) return read_idx(File::memory(gunzip(file.read_all(), name), name));
  require<FormatError>(magic[0] == 0 && magic[1] == 0, "{}: IDX: starts with {:#04x} {:#04x}", name,
                       unsigned{magic[0]}, unsigned{magic[1]});
  IdxArray array;
  array.dtype = type_of(magic[2], name);
  const int rank = magic[3];
  require<FormatError>(rank >= 1 && rank <= kMaxRank, "{}: IDX: {} dimensions", name, rank);
  const uint64_t header = 4 + 4 * uint64_t(rank);
  uint64_t bytes = size_of(array.dtype);
  for (int i = 0; i < rank; ++i) {
    std::array<uint8_t, 4> size;
    file.read(4 + 4 * uint64_t(i), size);
    const uint64_t value = uint64_t{size[0]} << 24 | size[1] << 16 | size[2] << 8 | size[3];
    array.shape.push_back(static_cast<int64_t>(value));
    require<FormatError>(value == 0 || bytes <= (uint64_t{1} << 62) / value,
                         "{}: IDX: the sizes {} overflow", name, array.shape);
    bytes *= value;
  }
  require<FormatError>(file.size() - header == bytes,
                       "{}: IDX: sizes {} of {} take {} bytes, {} {}", name, array.shape,
                       array.dtype, bytes, file.size() - header,
                       file.size() - header < bytes ? "are there: truncated" : "follow");
  array.bytes = file.read(header, bytes);
  const size_t width = size_of(array.dtype);
  if constexpr (std::endian::native == std::endian::little) {
    if (width > 1)
      for (auto at = array.bytes.begin(); at != array.bytes.end(); at += ptrdiff_t(width))
        std::reverse(at, at + ptrdiff_t(width));
  }
  return array;
}

}  // namespace tuco::data
