#include "tuco/devices/cpu/allocator.h"

#ifdef __linux__
#include <sys/mman.h>
#endif

#include <bit>
#include <cstdlib>
#include <new>

namespace tuco::cpu {
namespace {

/// Sizes are rounded up to an eighth of their power of two, so that waste stays under 12.5 % and
/// tensors of nearly the same size share blocks.
size_t size_class(size_t bytes) {
  const size_t size = bytes < 512 ? 512 : bytes;
  const size_t step = std::bit_floor(size) / 8;
  return (size + step - 1) / step * step;
}

constexpr size_t kHugePage = 2 << 20;

/// `size` bytes from the system, or null. Big blocks lie on huge pages where the system has them:
/// one entry of the address tables for 2 MiB, and one fault.
void* map(size_t size) {
  if (size < kHugePage) return std::aligned_alloc(64, size);
  void* block = std::aligned_alloc(kHugePage, (size + kHugePage - 1) / kHugePage * kHugePage);
#if defined(__linux__) && defined(MADV_HUGEPAGE)
  // Only whole pages, so that no more becomes resident than is asked for.
  if (block) madvise(block, size / kHugePage * kHugePage, MADV_HUGEPAGE);
#endif
  return block;
}

}  // namespace

CachingAllocator::~CachingAllocator() { release(); }

void* CachingAllocator::allocate(size_t bytes) {
  const size_t size = size_class(bytes);
  std::lock_guard lock(mutex_);
  void* block = nullptr;
  if (auto found = unused_.find(size); found != unused_.end() && !found->second.empty()) {
    block = found->second.back();
    found->second.pop_back();
    stats_.cached_bytes -= size;
  } else {
    block = map(size);
    if (!block) {
      release_locked();
      block = map(size);
    }
    if (!block) throw std::bad_alloc();
  }
  stats_.current_bytes += size;
  stats_.peak_bytes = std::max(stats_.peak_bytes, stats_.current_bytes);
  return block;
}

void CachingAllocator::free(void* block, size_t bytes) noexcept {
  const size_t size = size_class(bytes);
  std::lock_guard lock(mutex_);
  stats_.current_bytes -= size;
  try {
    unused_[size].push_back(block);
    stats_.cached_bytes += size;
  } catch (const std::bad_alloc&) {
    std::free(block);
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
    for (void* block : blocks) std::free(block);
  unused_.clear();
  stats_.cached_bytes = 0;
}

}  // namespace tuco::cpu
