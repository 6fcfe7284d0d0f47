// Temporary memory for kernels: strips, packed weights, partial sums. It comes from stacks that
// grow to the largest need and are then reused, since freshly mapped pages cost more than most
// kernels. Each thread has one, and each part of a region that threads share: whichever of them
// takes the part, its memory is there from the second time on.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory_resource>

namespace tuco::cpu {

class ScratchStack;

/// While one lives, hands out blocks of a scratch stack; all of them return at its end. Scopes
/// nest, and end in the opposite order, within a part of a region. Blocks may be used by other
/// threads meanwhile. It also is the memory of the small lists (std::pmr) that kernels make, so
/// that they never ask the system.
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

  ScratchStack& stack_;
  size_t block_, used_;
};

}  // namespace tuco::cpu
