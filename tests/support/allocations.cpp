#include "tests/support/allocations.h"

#include <atomic>
#include <cstdlib>
#include <new>

namespace {

std::atomic<int64_t> allocations = 0;

constexpr size_t kAlignment = alignof(std::max_align_t);

void* try_allocate(size_t size, size_t alignment) noexcept {
  ++allocations;
  const size_t rounded = (size + alignment - 1) / alignment * alignment;
  return std::aligned_alloc(alignment, rounded ? rounded : alignment);
}

void* allocate(size_t size, size_t alignment) {
  if (void* block = try_allocate(size, alignment)) return block;
  throw std::bad_alloc();
}

}  // namespace

// All forms, those of arrays too: a sanitizer's own ones do not call these.
void* operator new(size_t size) { return allocate(size, kAlignment); }
void* operator new[](size_t size) { return allocate(size, kAlignment); }
void* operator new(size_t size, const std::nothrow_t&) noexcept {
  return try_allocate(size, kAlignment);
}
void* operator new[](size_t size, const std::nothrow_t&) noexcept {
  return try_allocate(size, kAlignment);
}
void* operator new(size_t size, std::align_val_t alignment) {
  return allocate(size, static_cast<size_t>(alignment));
}
void* operator new[](size_t size, std::align_val_t alignment) {
  return allocate(size, static_cast<size_t>(alignment));
}
void* operator new(size_t size, std::align_val_t alignment, const std::nothrow_t&) noexcept {
  return try_allocate(size, static_cast<size_t>(alignment));
}
void* operator new[](size_t size, std::align_val_t alignment, const std::nothrow_t&) noexcept {
  return try_allocate(size, static_cast<size_t>(alignment));
}
void operator delete(void* block) noexcept { std::free(block); }
void operator delete[](void* block) noexcept { std::free(block); }
void operator delete(void* block, size_t) noexcept { std::free(block); }
void operator delete[](void* block, size_t) noexcept { std::free(block); }
void operator delete(void* block, const std::nothrow_t&) noexcept { std::free(block); }
void operator delete[](void* block, const std::nothrow_t&) noexcept { std::free(block); }
void operator delete(void* block, std::align_val_t) noexcept { std::free(block); }
void operator delete[](void* block, std::align_val_t) noexcept { std::free(block); }
void operator delete(void* block, size_t, std::align_val_t) noexcept { std::free(block); }
void operator delete[](void* block, size_t, std::align_val_t) noexcept { std::free(block); }

namespace tuco::test {

AllocationCount::AllocationCount() : before_(allocations) {}
int64_t AllocationCount::count() const { return allocations - before_; }

}  // namespace tuco::test
