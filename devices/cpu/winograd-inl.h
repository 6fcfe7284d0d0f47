// The transforms of Winograd's filtering on vectors of channels, compiled once for each Highway
// target. For one dimension, with r = 3 taps, m outputs and m + 2 points:
//   y = A' [(G g) . (B' d)]       g filter, d inputs, y outputs
// and in two dimensions each matrix is applied to columns, then rows.
#include "tuco/devices/cpu/correlation.h"

#if defined(TUCO_DEVICES_CPU_WINOGRAD_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef TUCO_DEVICES_CPU_WINOGRAD_INL_H_
#undef TUCO_DEVICES_CPU_WINOGRAD_INL_H_
#else
#define TUCO_DEVICES_CPU_WINOGRAD_INL_H_
#endif

#include <hwy/cache_control.h>

#include "tuco/devices/cpu/tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace tuco::cpu::HWY_NAMESPACE {

/// F(4x4, 3x3) with the points 0, +-a, +-b, infinity, a^2 = 1/2, b^2 = 2: their powers stay near 1,
/// so that it rounds 4 to 6 times less than with the usual 1 and 2.
struct F4 {
  static constexpr int kOut = 4, kIn = 6;
  static constexpr float a = 0.70710678f, b = 1.41421356f;

  static HWY_INLINE void input(const VecF (&d)[6], VecF (&r)[6]) {  // B'
    const VecF half = splat(.5f), two = splat(2), sum = splat(2.5f);
    const VecF e1 = hn::NegMulAdd(two, d[2], d[4]), o1 = hn::NegMulAdd(two, d[1], d[3]);
    const VecF e2 = hn::NegMulAdd(half, d[2], d[4]), o2 = hn::NegMulAdd(half, d[1], d[3]);
    r[0] = hn::Add(d[0], hn::NegMulAdd(sum, d[2], d[4]));
    r[1] = hn::MulAdd(splat(a), o1, e1);
    r[2] = hn::NegMulAdd(splat(a), o1, e1);
    r[3] = hn::MulAdd(splat(b), o2, e2);
    r[4] = hn::NegMulAdd(splat(b), o2, e2);
    r[5] = hn::Add(d[1], hn::NegMulAdd(sum, d[3], d[5]));
  }
  static HWY_INLINE void output(const VecF (&m)[6], VecF (&y)[4]) {  // A'
    const VecF s1 = hn::Add(m[1], m[2]), d1 = hn::Sub(m[1], m[2]);
    const VecF s2 = hn::Add(m[3], m[4]), d2 = hn::Sub(m[3], m[4]);
    y[0] = hn::Add(m[0], hn::Add(s1, s2));
    y[1] = hn::MulAdd(splat(a), d1, hn::Mul(splat(b), d2));
    y[2] = hn::MulAdd(splat(.5f), s1, hn::Mul(splat(2), s2));
    y[3] = hn::MulAdd(splat(a / 2), d1, hn::MulAdd(splat(2 * b), d2, m[5]));
  }
  static HWY_INLINE void gradient(const VecF (&y)[4], VecF (&z)[6]) {  // A
    const VecF half = splat(.5f), two = splat(2);
    const VecF e1 = hn::MulAdd(half, y[2], y[0]), o1 = hn::MulAdd(half, y[3], y[1]);
    const VecF e2 = hn::MulAdd(two, y[2], y[0]), o2 = hn::MulAdd(two, y[3], y[1]);
    z[0] = y[0];
    z[1] = hn::MulAdd(splat(a), o1, e1);
    z[2] = hn::NegMulAdd(splat(a), o1, e1);
    z[3] = hn::MulAdd(splat(b), o2, e2);
    z[4] = hn::NegMulAdd(splat(b), o2, e2);
    z[5] = y[3];
  }
  static HWY_INLINE void filter(const VecF (&g)[3], VecF (&u)[6]) {  // G
    const VecF third = splat(1 / 3.f), two_thirds = splat(2 / 3.f);
    // (g0 +- a g1 + a^2 g2) / (2 a^2 (a^2 - b^2)) = -(2/3) (...), and 1/6 (...) for b.
    const VecF e1 = hn::Neg(hn::MulAdd(third, g[2], hn::Mul(two_thirds, g[0])));
    const VecF e2 = hn::MulAdd(third, g[2], hn::Mul(splat(1 / 6.f), g[0]));
    u[0] = g[0];
    u[1] = hn::NegMulAdd(splat(a * 2 / 3), g[1], e1);
    u[2] = hn::MulAdd(splat(a * 2 / 3), g[1], e1);
    u[3] = hn::MulAdd(splat(b / 6), g[1], e2);
    u[4] = hn::NegMulAdd(splat(b / 6), g[1], e2);
    u[5] = g[2];
  }
  static HWY_INLINE void filter_gradient(const VecF (&u)[6], VecF (&g)[3]) {  // G'
    const VecF s1 = hn::Add(u[1], u[2]), d1 = hn::Sub(u[2], u[1]);
    const VecF s2 = hn::Add(u[3], u[4]), d2 = hn::Sub(u[3], u[4]);
    g[0] = hn::NegMulAdd(splat(2 / 3.f), s1, hn::MulAdd(splat(1 / 6.f), s2, u[0]));
    g[1] = hn::MulAdd(splat(a * 2 / 3), d1, hn::Mul(splat(b / 6), d2));
    g[2] = hn::MulAdd(splat(1 / 3.f), hn::Sub(s2, s1), u[5]);
  }
};

/// F(2x2, 3x3) with the points 0, 1, -1, infinity.
struct F2 {
  static constexpr int kOut = 2, kIn = 4;

  static HWY_INLINE void input(const VecF (&d)[4], VecF (&r)[4]) {
    r[0] = hn::Sub(d[0], d[2]);
    r[1] = hn::Add(d[1], d[2]);
    r[2] = hn::Sub(d[2], d[1]);
    r[3] = hn::Sub(d[1], d[3]);
  }
  static HWY_INLINE void output(const VecF (&m)[4], VecF (&y)[2]) {
    y[0] = hn::Add(m[0], hn::Add(m[1], m[2]));
    y[1] = hn::Sub(hn::Sub(m[1], m[2]), m[3]);
  }
  static HWY_INLINE void gradient(const VecF (&y)[2], VecF (&z)[4]) {
    z[0] = y[0];
    z[1] = hn::Add(y[0], y[1]);
    z[2] = hn::Sub(y[0], y[1]);
    z[3] = hn::Neg(y[1]);
  }
  static HWY_INLINE void filter(const VecF (&g)[3], VecF (&u)[4]) {
    const VecF even = hn::Mul(splat(.5f), hn::Add(g[0], g[2])), odd = hn::Mul(splat(.5f), g[1]);
    u[0] = g[0];
    u[1] = hn::Add(even, odd);
    u[2] = hn::Sub(even, odd);
    u[3] = g[2];
  }
  static HWY_INLINE void filter_gradient(const VecF (&u)[4], VecF (&g)[3]) {
    const VecF even = hn::Mul(splat(.5f), hn::Add(u[1], u[2]));
    g[0] = hn::Add(u[0], even);
    g[1] = hn::Mul(splat(.5f), hn::Sub(u[1], u[2]));
    g[2] = hn::Add(even, u[3]);
  }
};

/// Matrices of all points, [panel][point][depth][column]: filters, and sums of their gradients.
/// Between planes is a cache line more, or they would fall into the same cache sets.
inline ptrdiff_t point_plane(const Panel& panel, int64_t depth) { return depth * panel.width + 16; }
inline int64_t point_matrices_size(const Panels& panels, int64_t points, int64_t depth) {
  return points * (packed_size(panels, depth) + 16 * static_cast<int64_t>(panels.size()));
}
inline ptrdiff_t point_matrices_of(const Panels& panels, const Panel& panel, int64_t points,
                                   int64_t depth) {
  return points * (panel.offset * depth + 16 * (&panel - panels.data()));
}

/// The images cut into tiles of F::kOut squared outputs, the last ones of a row or column reaching
/// over the edge.
template <class F>
struct TileGrid {
  explicit TileGrid(const Correlation& correlation)
      : c(correlation), down(divide_up(c.rows, F::kOut)), across(divide_up(c.cols, F::kOut)) {}

  struct Place {
    int64_t image, row, column;  // of the tile's first output
    bool inside;                 // whether all its outputs exist
  };
  int64_t count() const { return c.batch * down * across; }
  Place place(int64_t tile) const {
    const int64_t y = tile / across % down * F::kOut, x = tile % across * F::kOut;
    return {tile / (down * across), y, x, y + F::kOut <= c.rows && x + F::kOut <= c.cols};
  }
  /// Where the tile's outputs lie.
  ptrdiff_t output(const Place& p) const {
    return c.dst_first + p.image * c.dst_image + p.row * c.dst_row + p.column * c.dst_pixel;
  }

  const Correlation& c;
  int64_t down, across;
};

/// Applies a matrix to the columns, then the rows of a square of vectors: from(i, j) gives them,
/// to(i, j, v) takes the results.
template <int From, int To, class Matrix, class Get, class Put>
HWY_INLINE void transform(Matrix&& matrix, Get&& from, Put&& to) {
  VecF half[To][From];
  TUCO_UNROLL
  for (int j = 0; j < From; ++j) {
    VecF in[From], out[To];
    TUCO_UNROLL
    for (int i = 0; i < From; ++i) in[i] = from(i, j);
    matrix(in, out);
    TUCO_UNROLL
    for (int i = 0; i < To; ++i) half[i][j] = out[i];
  }
  TUCO_UNROLL
  for (int i = 0; i < To; ++i) {
    VecF out[To];
    matrix(half[i], out);
    TUCO_UNROLL
    for (int j = 0; j < To; ++j) to(i, j, out[j]);
  }
}

/// B' d B of one tile for all source channels, to v[point * plane + channel]; the channels that
/// fill the last vector are zero. `zeros` are as many as the source has channels.
template <class F>
void transform_input(const TileGrid<F>& grid, int64_t tile, const float* src, const float* zeros,
                     float* v, ptrdiff_t plane) {
  const Correlation& c = grid.c;
  const auto place = grid.place(tile);
  const int64_t h = c.origin.h + place.row, w = c.origin.w + place.column;
  const float* at[F::kIn][F::kIn];
  // The next tile's new columns, which are a jump ahead in each row.
  const bool fetch = place.column + 2 * F::kOut <= c.cols;
  for (int64_t i = 0; i < F::kIn; ++i) {
    const bool row_inside = h + i >= 0 && h + i < c.src_h;
    const float* row = src + ((place.image * c.src_h + h + i) * c.src_w + w) * c.src_c;
    for (int64_t j = 0; j < F::kIn; ++j)
      at[i][j] = row_inside && w + j >= 0 && w + j < c.src_w ? row + j * c.src_c : zeros;
    if (fetch && row_inside)
      for (int64_t k = F::kIn * c.src_c; k < (F::kIn + F::kOut) * c.src_c; k += 16)
        hwy::Prefetch(row + k);
  }
  int64_t channel = 0;
  for (; channel + kLanes <= c.src_c; channel += kLanes)
    transform<F::kIn, F::kIn>(
        [](const auto& d, auto& r) TUCO_INLINE_LAMBDA { F::input(d, r); },
        [&](int i, int j) TUCO_INLINE_LAMBDA { return load(at[i][j] + channel); },
        [&](int i, int j, VecF x)
            TUCO_INLINE_LAMBDA { store(x, v + (i * F::kIn + j) * plane + channel); });
  if (channel < c.src_c)
    transform<F::kIn, F::kIn>(
        [](const auto& d, auto& r) TUCO_INLINE_LAMBDA { F::input(d, r); },
        [&](int i, int j)
            TUCO_INLINE_LAMBDA { return load_first(at[i][j] + channel, c.src_c - channel); },
        [&](int i, int j, VecF x)
            TUCO_INLINE_LAMBDA { store(x, v + (i * F::kIn + j) * plane + channel); });
}

}  // namespace tuco::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
