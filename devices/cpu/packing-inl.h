// Copies that lay operands out as the register tiles read them (tile-inl.h), compiled once for each
// Highway target.
#if defined(TUCO_DEVICES_CPU_PACKING_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef TUCO_DEVICES_CPU_PACKING_INL_H_
#undef TUCO_DEVICES_CPU_PACKING_INL_H_
#else
#define TUCO_DEVICES_CPU_PACKING_INL_H_
#endif

#include "tuco/devices/cpu/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace tuco::cpu::HWY_NAMESPACE {

/// to[k][j] = scale * from[k][j] for k < depth, j < columns; zeros up to `width`.
inline void pack_rows(const float* from, ptrdiff_t from_row, int64_t depth, int64_t columns,
                      float scale, float* to, int64_t width) {
  const VecF s = splat(scale);
  for (int64_t k = 0; k < depth; ++k, from += from_row, to += width)
    for (int64_t j = 0; j < width; j += kLanes)
      store(j < columns ? hn::Mul(load_first(from + j, columns - j), s) : zero(), to + j);
}

#if HWY_TARGET != HWY_SCALAR
// Four values of every fourth row of `from`, from the first on: as many as fill a vector.
template <class D>
HWY_INLINE hn::Vec<D> load_fours(D d, const float* from, ptrdiff_t from_row) {
  if constexpr (hn::MaxLanes(D()) == 4) {
    return hn::LoadU(d, from);
  } else {
    const hn::Half<D> half;
    return hn::Combine(
        d, load_fours(half, from + static_cast<ptrdiff_t>(hn::MaxLanes(half)) * from_row, from_row),
        load_fours(half, from, from_row));
  }
}

// The transposed block of 4 rows of `to` by a vector, times s: to[k][j] = s * from[j][k].
template <class D>
HWY_INLINE void transpose_four(D d, const float* from, ptrdiff_t from_row, hn::Vec<D> s, float* to,
                               ptrdiff_t to_row) {
  const auto r0 = load_fours(d, from, from_row), r1 = load_fours(d, from + from_row, from_row);
  const auto r2 = load_fours(d, from + 2 * from_row, from_row);
  const auto r3 = load_fours(d, from + 3 * from_row, from_row);
  const auto a = hn::InterleaveLower(d, r0, r2), b = hn::InterleaveLower(d, r1, r3);
  const auto c = hn::InterleaveUpper(d, r0, r2), e = hn::InterleaveUpper(d, r1, r3);
  hn::StoreU(hn::Mul(s, hn::InterleaveLower(d, a, b)), d, to);
  hn::StoreU(hn::Mul(s, hn::InterleaveUpper(d, a, b)), d, to + to_row);
  hn::StoreU(hn::Mul(s, hn::InterleaveLower(d, c, e)), d, to + 2 * to_row);
  hn::StoreU(hn::Mul(s, hn::InterleaveUpper(d, c, e)), d, to + 3 * to_row);
}
#endif

/// to[k][j] = scale * from[j][k] for k < depth, j < columns; zeros up to `width`. Rows of `to` are
/// `to_row` apart.
inline void pack_columns(const float* from, ptrdiff_t from_row, int64_t depth, int64_t columns,
                         float scale, float* to, int64_t width, ptrdiff_t to_row) {
  int64_t k = 0;
#if HWY_TARGET != HWY_SCALAR
  const hn::FixedTag<float, 4> d4;
  const int64_t vectors = columns / kLanes * kLanes, fours = columns / 4 * 4;
  for (; k + 4 <= depth; k += 4) {
    float* block = to + k * to_row;
    int64_t j = 0;
    for (; j < vectors; j += kLanes)
      transpose_four(F32(), from + j * from_row + k, from_row, splat(scale), block + j, to_row);
    for (; j < fours; j += 4)
      transpose_four(d4, from + j * from_row + k, from_row, hn::Set(d4, scale), block + j, to_row);
    for (int64_t i = 0; i < 4; ++i)
      for (int64_t rest = j; rest < width; ++rest)
        block[i * to_row + rest] = rest < columns ? scale * from[rest * from_row + k + i] : 0;
  }
#endif
  for (; k < depth; ++k)
    for (int64_t j = 0; j < width; ++j)
      to[k * to_row + j] = j < columns ? scale * from[j * from_row + k] : 0;
}
inline void pack_columns(const float* from, ptrdiff_t from_row, int64_t depth, int64_t columns,
                         float scale, float* to, int64_t width) {
  pack_columns(from, from_row, depth, columns, scale, to, width, width);
}

}  // namespace tuco::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
