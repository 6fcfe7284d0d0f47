#include "tuco/core/elements.h"

#include "tuco/core/error.h"

namespace tuco {

std::optional<uint64_t> checked_bytes(const Shape& shape, DType dtype) {
  uint64_t count = 1;
  bool is_empty = false;
  for (const int64_t size : shape) {
    if (size == 0) {
      is_empty = true;
      continue;
    }
    if (static_cast<uint64_t>(size) > static_cast<uint64_t>(kMaxElements) / count) return std::nullopt;
    count *= static_cast<uint64_t>(size);
  }
  return is_empty ? 0 : count * size_of(dtype);
}

void write_elements(NewFile& file, const Tensor& tensor) {
  const Tensor host = dense(tensor.detach().to(Device::cpu()));
  file.write({static_cast<const uint8_t*>(host.raw()),
              static_cast<size_t>(host.numel()) * size_of(host.dtype())});
}

void read_elements(const File& file, uint64_t offset, const Tensor& tensor, std::string_view what) {
  const std::span<uint8_t> bytes(static_cast<uint8_t*>(tensor.raw()),
                                 static_cast<size_t>(tensor.numel()) * size_of(tensor.dtype()));
  file.read(offset, bytes);
  if (tensor.dtype() != DType::bool_) return;
  for (size_t i = 0; i < bytes.size(); ++i)
    require<FormatError>(bytes[i] <= 1, "{}: {}: element {} is {}, which is no bool", file.name(),
                         what, i, bytes[i]);
}

}  // namespace tuco
