// Memory of packed constants.
#pragma once
#include <cstddef>
#include <memory>
#include <new>

namespace tuco::cpu {

/// Bytes on cache lines of their own, with a spare line behind; whatever they held.
class AlignedBytes {
 public:
  AlignedBytes() = default;
  explicit AlignedBytes(size_t size)
      : data_(static_cast<std::byte*>(::operator new (size + 64, std::align_val_t{64}))) {}
  template <class T>
  T* as() const {
    return static_cast<T*>(static_cast<void*>(data_.get()));
  }

 private:
  struct Free {
    void operator()(std::byte* p) const { ::operator delete (p, std::align_val_t{64}); }
  };
  std::unique_ptr<std::byte, Free> data_;
};

}  // namespace tuco::cpu
