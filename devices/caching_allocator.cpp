#include "tuco/devices/caching_allocator.h"

#include <algorithm>
#include <bit>
#include <new>

namespace tuco {
namespace {

/// Sizes are rounded up to an eighth of their power of two, so that waste stays under 12.5 % and
/// tensors of nearly the same size share blocks.
size_t size_class(size_t bytes) {
  const size_t size = bytes < 512 ? 512 : bytes;
  const size_t step = std::bit_floor(size) / 8;
  return (size + step - 1) / step * step;
}

}  // namespace

CachingAllocator::~CachingAllocator() { release(); }

size_t CachingAllocator::block_size(size_t bytes) const {
  return keeps_blocks_ ? size_class(bytes) : std::max<size_t>(bytes, 1);
}

void* CachingAllocator::allocate(size_t bytes) {
  const size_t size = block_size(bytes);
  std::lock_guard lock(mutex_);
  void* block = nullptr;
  if (auto found = unused_.find(size); found != unused_.end() && !found->second.empty()) {
    block = found->second.back();
    found->second.pop_back();
    stats_.cached_bytes -= size;
  } else {
    block = source_.map(size);
    if (!block) {
      release_locked();
      block = source_.map(size);
    }
    if (!block) source_.throw_exhausted(size, stats_);
  }
  stats_.current_bytes += size;
  stats_.peak_bytes = std::max(stats_.peak_bytes, stats_.current_bytes);
  return block;
}

void CachingAllocator::free(void* block, size_t bytes) noexcept {
  const size_t size = block_size(bytes);
  std::lock_guard lock(mutex_);
  stats_.current_bytes -= size;
  if (!keeps_blocks_) return source_.unmap(block);
  try {
    unused_[size].push_back(block);
    stats_.cached_bytes += size;
  } catch (const std::bad_alloc&) {
    source_.unmap(block);
  }
}

MemoryStats CachingAllocator::stats() const {
  std::lock_guard lock(mutex_);
  return stats_;
}

void CachingAllocator::reset_peak() {
  std::lock_guard lock(mutex_);
  stats_.peak_bytes = stats_.current_bytes;
}

void CachingAllocator::release() {
  std::lock_guard lock(mutex_);
  release_locked();
}

void CachingAllocator::release_locked() {
  for (auto& [size, blocks] : unused_)
    for (void* block : blocks) source_.unmap(block);
  unused_.clear();
  stats_.cached_bytes = 0;
}

}  // namespace tuco
