// The host's memory, as blocks for tensors.
#pragma once
#include "tuco/devices/caching_allocator.h"

namespace tuco::cpu {

/// Blocks aligned to 64 bytes, big ones on huge pages. They are worth keeping: freshly mapped pages
/// cost more than filling them (measured: 64 MiB in 1.7 ms reused, 16 to 25 ms fresh).
class HostMemory final : public MemorySource {
 public:
  void* map(size_t size) override;
  void unmap(void* block) noexcept override;
  /// Throws std::bad_alloc.
  [[noreturn]] void throw_exhausted(size_t size, const MemoryStats& stats) override;
};

}  // namespace tuco::cpu
