#include "tuco/core/storage.h"

#include "tuco/core/backend.h"

namespace tuco {

Storage::Storage(size_t bytes, Device device) : bytes_(bytes), device_(device) {
  data_ = backend(device).allocate(bytes);
  allocated_ = true;
}

Storage::Storage(void* data, size_t bytes, Device device, std::shared_ptr<void> owner)
    : data_(data), bytes_(bytes), device_(device), owner_(std::move(owner)) {}

Storage::~Storage() {
  if (allocated_) backend(device_).free(data_, bytes_);
}

}  // namespace tuco
