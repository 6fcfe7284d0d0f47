// What becomes of the sums of a product or a convolution before they are stored. All float32 kernels
// do it in registers; the float64 ones in a pass of its own.
#pragma once
#include <cstddef>
#include <cstdint>
#include <limits>

namespace tuco::cpu {

/// y = clamp(sum + bias + addend, low, high). NaN stays NaN.
template <class T>
struct Epilogue {
  const T* bias = nullptr;    // one for each column (output channel), or null
  const T* addend = nullptr;  // laid out as the output, which it must not overlap, or null
  T low = -std::numeric_limits<T>::infinity(), high = std::numeric_limits<T>::infinity();

  bool clamps() const {
    constexpr T infinity = std::numeric_limits<T>::infinity();
    return low > -infinity || high < infinity;
  }
  /// The same for the part of the output that starts `offset` values behind its start, in `column`.
  Epilogue at(ptrdiff_t offset, int64_t column) const {
    return {bias ? bias + column : nullptr, addend ? addend + offset : nullptr, low, high};
  }
  /// The output for a sum in `column`, `offset` values behind the output's start.
  T finish(T sum, int64_t column, ptrdiff_t offset) const {
    if (bias) sum += bias[column];
    if (addend) sum += addend[offset];
    sum = sum < low ? low : sum;
    return sum > high ? high : sum;
  }
  /// Finishes `rows` rows of sums in place, each `row` values behind the last.
  void finish_rows(T* y, int64_t rows, int64_t columns, ptrdiff_t row) const {
    if (!bias && !addend && !clamps()) return;
    for (int64_t i = 0; i < rows; ++i)
      for (int64_t j = 0; j < columns; ++j)
        y[i * row + j] = finish(y[i * row + j], j, i * row + j);
  }
};

}  // namespace tuco::cpu
