// The register tile of all float32 products: MR rows by NV vectors of columns, kept in registers
// while a step loads NV vectors of b, broadcasts MR numbers of a and does MR x NV fused
// multiply-adds. Compiled once for each Highway target.
#include "tuco/devices/cpu/tile.h"

#if defined(TUCO_DEVICES_CPU_TILE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef TUCO_DEVICES_CPU_TILE_INL_H_
#undef TUCO_DEVICES_CPU_TILE_INL_H_
#else
#define TUCO_DEVICES_CPU_TILE_INL_H_
#endif

#include <algorithm>
#include <array>
#include <utility>

#include "tuco/devices/cpu/packing-inl.h"

HWY_BEFORE_NAMESPACE();
namespace tuco::cpu::HWY_NAMESPACE {

// The most rows that the registers hold beside b and one broadcast, by number of vectors.
#if HWY_TARGET == HWY_AVX3
constexpr int kMaxRows[] = {0, 14, 14, 9};
#elif HWY_TARGET == HWY_AVX2
constexpr int kMaxRows[] = {0, 12, 6, 4};
#elif HWY_TARGET == HWY_NEON
constexpr int kMaxRows[] = {0, 14, 12, 8};
#else
constexpr int kMaxRows[] = {0, 4, 4, 2};
#endif
constexpr int kMaxVectors = 3;

/// visit(register, row, vector) for all of a tile, unrolled.
template <int MR, int NV, class Visit>
HWY_INLINE void for_each_register(VecF (&acc)[MR][NV], Visit&& visit) {
  TUCO_UNROLL
  for (int r = 0; r < MR; ++r) {
    TUCO_UNROLL
    for (int j = 0; j < NV; ++j) visit(acc[r][j], r, j);
  }
}

inline int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

constexpr int64_t kFetchSteps = 16;  // after so many, a tile fetches the next lines
constexpr int64_t kSteps = 8;        // unrolled

template <int kLocality>
HWY_INLINE void fetch_lines(const Ahead& ahead, int64_t steps_done) {
  if (steps_done >= ahead.until) return;
  const float* at = ahead.at + steps_done / kFetchSteps * ahead.step;
  for (int64_t r = 0; r < ahead.rows; ++r, at += ahead.row) __builtin_prefetch(at, 0, kLocality);
}

/// A matrix in rows of memory: `length` floats of each of `rows` rows.
inline Ahead ahead_of_rows(const float* at, ptrdiff_t row, int64_t rows, int64_t length) {
  return {at, row, 16, rows, length};
}
/// Part `part` of `parts` of the packed panel behind one of `depth` by `width` that starts at b.
inline Ahead ahead_of_panel(const float* b, int64_t depth, int64_t width, int64_t part,
                            int64_t parts) {
  const int64_t share = divide_up(width, parts);
  return {b + (width + part * share) * depth, 16, 16 * share, share, depth};
}

template <int MR, int NV>
void tile(const TileOperands& t) {
  VecF acc[MR][NV];
  // One decision for all registers: the compiler would take it for each.
  if (t.accumulate && t.last == kLanes) {
    for_each_register<MR, NV>(acc, [&](VecF& v, int r, int j) TUCO_INLINE_LAMBDA {
      v = load(t.c + r * t.c_row + j * kLanes);
    });
  } else if (t.accumulate) {
    for_each_register<MR, NV>(acc, [&](VecF& v, int r, int j) TUCO_INLINE_LAMBDA {
      const float* from = t.c + r * t.c_row + j * kLanes;
      v = j == NV - 1 ? load_first(from, t.last) : load(from);
    });
  } else {
    VecF start[NV];
    TUCO_UNROLL
    for (int j = 0; j < NV; ++j) {
      start[j] = zero();
      if (!t.epilogue.bias) continue;
      const float* from = t.epilogue.bias + j * kLanes;
      start[j] = j == NV - 1 ? load_first(from, t.last) : load(from);
    }
    for_each_register<MR, NV>(acc, [&](VecF& v, int, int j) TUCO_INLINE_LAMBDA { v = start[j]; });
  }
  const float* b = t.b;
  const ptrdiff_t row = t.a_row;
  int64_t steps_done = 0;
  const bool fetches = (t.next_a.until | t.next_b.until | t.next_c.until) > 0;
  for (int64_t i = 0; i < t.runs; ++i) {
    // One pointer serves three rows (row and 2 * row as index registers), hidden from the compiler,
    // which would keep MR of them and spill.
    constexpr int kPointers = (MR + 2) / 3;
    const float* p[kPointers];
    TUCO_UNROLL
    for (int g = 0; g < kPointers; ++g) {
      p[g] = t.a + t.offsets[i] + 3 * g * row;
#if defined(__GNUC__)
      asm("" : "+r"(p[g]));
#endif
    }
    const auto step = [&](int64_t k, const float* row_of_b) TUCO_INLINE_LAMBDA {
      VecF bv[NV];
      TUCO_UNROLL
      for (int j = 0; j < NV; ++j) bv[j] = load(row_of_b + j * kLanes);
      TUCO_UNROLL
      for (int r = 0; r < MR; ++r) {
        const VecF x = splat(p[r / 3][(r % 3) * row + k]);
        TUCO_UNROLL
        for (int j = 0; j < NV; ++j) acc[r][j] = hn::MulAdd(x, bv[j], acc[r][j]);
      }
    };
    int64_t k = 0;
    while (fetches && k + kFetchSteps <= t.length) {
      fetch_lines<2>(t.next_a, steps_done);
      fetch_lines<2>(t.next_b, steps_done);
      fetch_lines<3>(t.next_c, steps_done);
      steps_done += kFetchSteps;
      for (const int64_t end = k + kFetchSteps; k < end; k += kSteps, b += kSteps * NV * kLanes) {
        TUCO_UNROLL
        for (int64_t s = 0; s < kSteps; ++s) step(k + s, b + s * NV * kLanes);
      }
    }
    for (; k < t.length; ++k, b += NV * kLanes) step(k, b);
  }
  if (t.epilogue.addend) {
    for_each_register<MR, NV>(acc, [&](VecF& v, int r, int j) TUCO_INLINE_LAMBDA {
      const float* from = t.epilogue.addend + r * t.c_row + j * kLanes;
      v = hn::Add(v, j == NV - 1 ? load_first(from, t.last) : load(from));
    });
  }
  if (t.epilogue.clamps()) {
    const VecF low = splat(t.epilogue.low), high = splat(t.epilogue.high);
    for_each_register<MR, NV>(
        acc, [&](VecF& v, int, int) TUCO_INLINE_LAMBDA { v = clamp(v, low, high); });
  }
  if (t.last == kLanes) {
    for_each_register<MR, NV>(acc, [&](VecF& v, int r, int j) TUCO_INLINE_LAMBDA {
      store(v, t.c + r * t.c_row + j * kLanes);
    });
  } else {
    for_each_register<MR, NV>(acc, [&](VecF& v, int r, int j) TUCO_INLINE_LAMBDA {
      float* to = t.c + r * t.c_row + j * kLanes;
      if (j == NV - 1)
        store_first(v, to, t.last);
      else
        store(v, to);
    });
  }
}

template <int MR, int NV>
void transposed_tile(const TransposedOperands& t) {
  VecF acc[MR][NV];
  if (t.accumulate) {
    for_each_register<MR, NV>(acc, [&](VecF& v, int r, int j) TUCO_INLINE_LAMBDA {
      v = load(t.c + r * t.c_row + j * kLanes);
    });
  } else {
    for_each_register<MR, NV>(acc, [&](VecF& v, int, int) TUCO_INLINE_LAMBDA { v = zero(); });
  }
  for (int64_t i = 0; i < t.runs; ++i) {
    const float *a = t.a + t.offsets[i], *b = t.b + i * t.b_run;
    for (int64_t k = 0; k < t.length; ++k, a += t.a_step, b += t.b_step) {
      VecF bv[NV];
      TUCO_UNROLL
      for (int j = 0; j < NV; ++j) bv[j] = load(b + j * kLanes);
      TUCO_UNROLL
      for (int r = 0; r < MR; ++r) {
        const VecF x = splat(a[r]);
        TUCO_UNROLL
        for (int j = 0; j < NV; ++j) acc[r][j] = hn::MulAdd(x, bv[j], acc[r][j]);
      }
    }
  }
  TUCO_UNROLL
  for (int r = 0; r < MR; ++r) {
    TUCO_UNROLL
    for (int j = 0; j < NV; ++j) store(acc[r][j], t.c + r * t.c_row + j * kLanes);
  }
}

using Tile = void (*)(const TileOperands&);
using TransposedTile = void (*)(const TransposedOperands&);

template <int NV, int... R>
constexpr std::array<Tile, sizeof...(R)> tiles_of(std::integer_sequence<int, R...>) {
  return {tile<R + 1, NV>...};
}
template <int NV, int... R>
constexpr std::array<TransposedTile, sizeof...(R)> transposed_of(std::integer_sequence<int, R...>) {
  return {transposed_tile<R + 1, NV>...};
}
template <int NV>
using Rows = std::make_integer_sequence<int, kMaxRows[NV]>;

/// The tile of 1 <= rows <= kMaxRows[vectors].
inline Tile find_tile(int64_t rows, int64_t vectors) {
  static constexpr auto one = tiles_of<1>(Rows<1>());
  static constexpr auto two = tiles_of<2>(Rows<2>());
  static constexpr auto three = tiles_of<3>(Rows<3>());
  const auto r = static_cast<size_t>(rows - 1);
  return vectors == 1 ? one[r] : vectors == 2 ? two[r] : three[r];
}
inline TransposedTile find_transposed(int64_t rows, int64_t vectors) {
  static constexpr auto one = transposed_of<1>(Rows<1>());
  static constexpr auto two = transposed_of<2>(Rows<2>());
  static constexpr auto three = transposed_of<3>(Rows<3>());
  const auto r = static_cast<size_t>(rows - 1);
  return vectors == 1 ? one[r] : vectors == 2 ? two[r] : three[r];
}

/// Cuts `columns` into panels of up to kMaxVectors vectors for tiles over rows of `height` pixels
/// (which must not be cut by a panel): the split that wastes the fewest cycles. Few leftover rows
/// matter more than the tile's shape.
inline Panels split_columns(int64_t columns, int64_t height, std::pmr::memory_resource* memory) {
  const int64_t total = divide_up(columns, kLanes);
  Panels best(memory);
  double least = 0;
  for (int64_t most = 1; most <= kMaxVectors; ++most) {
    const int64_t count = divide_up(total, most);
    Panels panels(memory);
    panels.reserve(count);
    double cycles = 0;
    for (int64_t i = 0; i < count; ++i) {
      const int64_t from = total * i / count, to = total * (i + 1) / count, vectors = to - from;
      const int64_t tiles = divide_up(std::max<int64_t>(height, 1), kMaxRows[vectors]);
      const int64_t rows = divide_up(std::max<int64_t>(height, 1), tiles);
      // Two multiply-adds a cycle, each waiting four for the last; two loads a cycle.
      const double products = std::max<double>(rows * vectors / 2.0, 4);
      cycles += tiles * (std::max(products, (rows + vectors) / 2.0) + 1.5);
      const int64_t first = from * kLanes;
      panels.push_back(
          {first, std::min(columns, to * kLanes) - first, vectors, vectors * kLanes, rows, first});
    }
    if (best.empty() || cycles < least) best = std::move(panels), least = cycles;
  }
  return best;
}

/// Floats of an operand of `depth` rows packed for `panels`.
inline int64_t packed_size(const Panels& panels, int64_t depth) {
  return panels.empty() ? 0 : (panels.back().offset + panels.back().width) * depth;
}

/// Columns in the last vector of a panel.
inline int64_t last_columns(const Panel& panel) {
  return panel.columns - (panel.vectors - 1) * kLanes;
}

}  // namespace tuco::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
