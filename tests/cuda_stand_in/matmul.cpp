#include "matmul.h"

#include <algorithm>
#include <cstring>
#include <vector>

namespace standin {

namespace {

constexpr std::int64_t kBytes = 32, kColumns = 6, kDepth = 256;

template <class T>
struct Tile {
  typedef T Vector __attribute__((vector_size(kBytes)));
  static constexpr std::int64_t kLanes = kBytes / sizeof(T), kRows = 2 * kLanes;
};

// sums (kColumns of kRows) = the product of two packed strips of depth k.
template <class T>
[[gnu::always_inline]] inline void strip(const T* a, const T* b, std::int64_t k, T* sums) {
  using V = typename Tile<T>::Vector;
  V acc[kColumns][2] = {};
  for (std::int64_t p = 0; p < k; ++p) {
    V a0, a1;
    std::memcpy(&a0, a + p * Tile<T>::kRows, sizeof a0);
    std::memcpy(&a1, a + p * Tile<T>::kRows + Tile<T>::kLanes, sizeof a1);
    for (std::int64_t j = 0; j < kColumns; ++j) {
      const T factor = b[p * kColumns + j];
      acc[j][0] += a0 * factor;
      acc[j][1] += a1 * factor;
    }
  }
  std::memcpy(sums, acc, sizeof acc);
}

template <class T>
void plain_strip(const T* a, const T* b, std::int64_t k, T* sums) {
  strip(a, b, k, sums);
}
#if defined(__x86_64__)
template <class T>
[[gnu::target("avx2,fma")]] void wide_strip(const T* a, const T* b, std::int64_t k, T* sums) {
  strip(a, b, k, sums);
}
#endif

template <class T>
auto best_strip() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return &wide_strip<T>;
#endif
  return &plain_strip<T>;
}

// Rows [0, size) of `x` in strips of `width` rows, each with its `depth` columns one after the
// other; zeros fill the last strip.
template <class T>
void pack(Matrix<T> x, std::int64_t size, std::int64_t depth, std::int64_t width, T* out) {
  for (std::int64_t first = 0; first < size; first += width) {
    const std::int64_t count = std::min(width, size - first);
    for (std::int64_t p = 0; p < depth; ++p, out += width) {
      const T* from = x.at + first * x.row + p * x.column;
      for (std::int64_t i = 0; i < count; ++i) out[i] = from[i * x.row];
      for (std::int64_t i = count; i < width; ++i) out[i] = 0;
    }
  }
}

}  // namespace

template <class T>
void multiply(std::int64_t m, std::int64_t n, std::int64_t k, Matrix<T> a, Matrix<T> b, T* c,
              std::int64_t ldc, bool add) {
  constexpr std::int64_t kRows = Tile<T>::kRows;
  if (k == 0 && !add)
    for (std::int64_t j = 0; j < n; ++j) std::fill(c + j * ldc, c + j * ldc + m, T{});
  const auto run = best_strip<T>();
  const std::int64_t strips = (m + kRows - 1) / kRows;
  std::vector<T> left(std::size_t(strips * kRows * std::min(k, kDepth)));
  std::vector<T> right(std::size_t(kColumns * std::min(k, kDepth)));
  T sums[kColumns * kRows];
  for (std::int64_t p = 0; p < k; p += kDepth) {
    const std::int64_t depth = std::min(kDepth, k - p);
    pack(Matrix<T>{a.at + p * a.column, a.row, a.column}, m, depth, kRows, left.data());
    for (std::int64_t j = 0; j < n; j += kColumns) {
      const std::int64_t columns = std::min(kColumns, n - j);
      pack(Matrix<T>{b.at + p * b.row + j * b.column, b.column, b.row}, columns, depth, kColumns,
           right.data());
      for (std::int64_t s = 0; s < strips; ++s) {
        run(left.data() + s * kRows * depth, right.data(), depth, sums);
        const std::int64_t rows = std::min(kRows, m - s * kRows);
        for (std::int64_t q = 0; q < columns; ++q) {
          T* to = c + s * kRows + (j + q) * ldc;
          const T* from = sums + q * kRows;
          if (add || p > 0)
            for (std::int64_t i = 0; i < rows; ++i) to[i] += from[i];
          else
            std::copy(from, from + rows, to);
        }
      }
    }
  }
}

template void multiply<float>(std::int64_t, std::int64_t, std::int64_t, Matrix<float>,
                              Matrix<float>, float*, std::int64_t, bool);
template void multiply<double>(std::int64_t, std::int64_t, std::int64_t, Matrix<double>,
                               Matrix<double>, double*, std::int64_t, bool);

}  // namespace standin
