#include "tuco/devices/cpu/host_memory.h"

#ifdef __linux__
#include <sys/mman.h>
#endif

#include <cstdlib>
#include <new>

namespace tuco::cpu {
namespace {

constexpr size_t kHugePage = 2 << 20;

}  // namespace

/// Big blocks lie on huge pages where the system has them: one entry of the address tables for
/// 2 MiB, and one fault.
void* HostMemory::map(size_t size) {
  if (size < kHugePage) return std::aligned_alloc(64, size);
  void* block = std::aligned_alloc(kHugePage, (size + kHugePage - 1) / kHugePage * kHugePage);
#if defined(__linux__) && defined(MADV_HUGEPAGE)
  // Only whole pages, so that no more becomes resident than is asked for.
  if (block) madvise(block, size / kHugePage * kHugePage, MADV_HUGEPAGE);
#endif
  return block;
}

void HostMemory::unmap(void* block) noexcept { std::free(block); }

void HostMemory::throw_exhausted(size_t, const MemoryStats&) { throw std::bad_alloc(); }

}  // namespace tuco::cpu
