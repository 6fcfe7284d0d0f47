// Temporary memory for kernels: strips, packed weights, partial sums. Each thread has a stack of
// its own that grows to the largest need and is then reused, since freshly mapped pages cost more
// than most kernels.
#pragma once
#include <cstddef>
#include <cstdint>

namespace tuco::cpu {

/// While one lives, hands out blocks of this thread's scratch stack; all of them return at its end.
/// Scopes nest, and end in the opposite order. Blocks may be used by other threads meanwhile.
class Scratch {
 public:
  Scratch();
  ~Scratch();
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  /// Uninitialised room for `count` values, aligned to 64 bytes and with a spare cache line behind.
  template <class T>
  T* get(int64_t count) {
    return static_cast<T*>(bytes(static_cast<size_t>(count) * sizeof(T)));
  }

 private:
  void* bytes(size_t size);
  size_t block_, used_;
};

}  // namespace tuco::cpu
