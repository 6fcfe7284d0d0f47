// Some neighbouring numbers that are read and written at once: 16 bytes are what a thread of a
// memory-bound kernel should move. For both compilers.
#pragma once
#include <cstdint>
#include <initializer_list>

namespace tuco::cuda {

template <class T, int kCount>
struct alignas(sizeof(T) * kCount) Pack {
  T v[kCount];
};

/// Numbers in 16 bytes.
template <class T>
inline constexpr int kPackOf = 16 / sizeof(T);

/// Whether rows of `channels` numbers can be read in packs of `count` from all of these addresses.
template <class T>
bool fits_packs(int64_t channels, int count, std::initializer_list<const T*> rows) {
  for (const T* row : rows)
    if (reinterpret_cast<uintptr_t>(row) % (sizeof(T) * count) != 0) return false;
  return channels % count == 0;
}

}  // namespace tuco::cuda
