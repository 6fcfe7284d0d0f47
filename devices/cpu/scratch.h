// Temporary memory for kernels: strips, packed weights, partial sums. Each thread has a stack of
// its own that grows to the largest need and is then reused, since freshly mapped pages cost more
// than most kernels.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory_resource>

namespace tuco::cpu {

/// While one lives, hands out blocks of this thread's scratch stack; all of them return at its end.
/// Scopes nest, and end in the opposite order. Blocks may be used by other threads meanwhile. It also
/// is the memory of the small lists (std::pmr) that kernels make, so that they never ask the system.
class Scratch final : public std::pmr::memory_resource {
 public:
  Scratch();
  ~Scratch() override;
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  /// Uninitialised room for `count` values, aligned to 64 bytes and with a spare cache line behind.
  template <class T>
  T* get(int64_t count) {
    return static_cast<T*>(bytes(static_cast<size_t>(count) * sizeof(T)));
  }

 private:
  void* bytes(size_t size);
  void* do_allocate(size_t size, size_t) override { return bytes(size); }
  void do_deallocate(void*, size_t, size_t) override {}
  bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }

  size_t block_, used_;
};

}  // namespace tuco::cpu
