// A caching allocator: blocks that are freed are kept for the next tensor of about the same size.
// Nothing goes back to the system unless asked, or unless memory ends.
#pragma once
#include <cstddef>
#include <map>
#include <mutex>
#include <vector>

#include "tuco/core/tensor.h"

namespace tuco {

/// Where a CachingAllocator gets its blocks from.
class MemorySource {
 public:
  virtual ~MemorySource() = default;
  /// `size` bytes, or null if there are none.
  virtual void* map(size_t size) = 0;
  /// Gives a block back.
  virtual void unmap(void* block) noexcept = 0;
  /// What to throw where no memory is left, even after giving back what was kept.
  [[noreturn]] virtual void throw_exhausted(size_t size, const MemoryStats& stats) = 0;
};

/// Thread-safe. Blocks of a device with a stream are handed out again in the order of that stream:
/// who frees one has put all that uses it into the stream.
class CachingAllocator {
 public:
  /// `source` must outlive the allocator. One that does not keep blocks gives each back at once,
  /// and asks for no byte more than it was asked for, so that what watches over memory sees where a
  /// tensor ends.
  explicit CachingAllocator(MemorySource& source, bool keeps_blocks = true)
      : source_(source), keeps_blocks_(keeps_blocks) {}
  ~CachingAllocator();
  /// Throws what the source throws when memory ends.
  void* allocate(size_t bytes);
  void free(void* block, size_t bytes) noexcept;
  MemoryStats stats() const;
  void reset_peak();
  /// Gives all unused blocks back to the source.
  void release();

 private:
  /// What is asked of the source for so many bytes.
  size_t block_size(size_t bytes) const;
  void release_locked();

  MemorySource& source_;
  const bool keeps_blocks_;
  mutable std::mutex mutex_;
  std::map<size_t, std::vector<void*>> unused_;
  MemoryStats stats_;
};

}  // namespace tuco
