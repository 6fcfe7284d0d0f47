// Storage: a block of bytes on a device, shared by the tensors that are views of it.
#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "tuco/core/device.h"

namespace tuco {

/// Bytes on a device, with a version that every change in place raises; not copyable, held by
/// shared_ptr.
class Storage {
 public:
  /// Allocates through the device's backend. Throws DeviceError if the device is not there, and
  /// std::bad_alloc when memory ends.
  Storage(size_t bytes, Device device);
  /// Wraps bytes that live elsewhere (a memory-mapped file, an arena) as long as `owner` lives.
  Storage(void* data, size_t bytes, Device device, std::shared_ptr<void> owner);
  ~Storage();
  Storage(const Storage&) = delete;
  Storage& operator=(const Storage&) = delete;

  void* data() const { return data_; }
  size_t bytes() const { return bytes_; }
  Device device() const { return device_; }
  /// How often the bytes were changed in place; backward compares it with what it saved.
  uint64_t version() const { return version_.load(std::memory_order_relaxed); }
  void bump_version() { version_.fetch_add(1, std::memory_order_relaxed); }

 private:
  void* data_ = nullptr;
  size_t bytes_ = 0;
  Device device_;
  bool allocated_ = false;
  std::shared_ptr<void> owner_;
  std::atomic<uint64_t> version_ = 0;
};

}  // namespace tuco
