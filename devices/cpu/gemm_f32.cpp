// The product in float32. b is packed into panels of two or three vectors by kDepth rows, which
// stay in L2 while a block of rows of a, read in place or copied, passes over them. What comes next
// is fetched ahead by the tiles: so many short runs far from each other are more than hardware
// foresees. A few rows by the rows of a stored b are dot products, which pack nothing.
#include "tuco/devices/cpu/gemm.h"

#include <cstring>

#include "tuco/core/parallel.h"
#include "tuco/devices/cpu/highway_targets.h"
#include "tuco/devices/cpu/scratch.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tuco/devices/cpu/gemm_f32.cpp"
#include <hwy/foreach_target.h>

#include "tuco/devices/cpu/tile-inl.h"

#ifndef TUCO_DEVICES_CPU_GEMM_F32_ONCE_
#define TUCO_DEVICES_CPU_GEMM_F32_ONCE_
namespace tuco::cpu {

constexpr int64_t kRowBlock = 126;  // rows of a that pass over all panels together
// Multiply-adds that are worth a thread of their own.
constexpr int64_t kProductsPerThread = 1 << 18;
constexpr int64_t kPackedPerThread = 1 << 13;  // floats, that are worth one when packing
constexpr int64_t kSlabBytes = 4 << 20;        // of packed b that rows of a pass over together
constexpr int64_t kNearBytes = 512 << 10;      // of operands that need no fetching: they lie in L2
constexpr int64_t kDotRows = 3;                // of a at most, for dot products

/// The left operand and what becomes of the result.
struct LeftOperand {
  bool trans;
  int64_t m;
  const float* a;
  int64_t lda;
  bool accumulate;
  float* c;
  int64_t ldc;
  Epilogue<float> epilogue;
};

/// op(b), not packed yet.
struct RightOperand {
  bool trans;
  int64_t k, n;
  const float* b;
  int64_t ldb;
  float alpha;
};

}  // namespace tuco::cpu
#endif

HWY_BEFORE_NAMESPACE();
namespace tuco::cpu::HWY_NAMESPACE {

// About so many rows of b at a time: a panel takes 32 to 96 KB, in L2, or 16 to 32 KB, in L1, where
// a step of the tile is short.
constexpr int64_t kDepth = HWY_TARGET == HWY_AVX3 ? 512 : 256;
// There memory keeps up by itself, but for a that few columns use, and fetching takes time.
constexpr bool kFetchAll = HWY_TARGET == HWY_AVX3;
constexpr int64_t kFewColumns = 96;
constexpr int64_t kFewRows = 4;  // in whose tiles loads are what takes time

// Rows of b in a block: an even share, so that the last one is not a thin rest.
inline int64_t block_depth(int64_t k) {
  const int64_t blocks = std::max<int64_t>(1, (k + kDepth / 2) / kDepth);
  return std::max<int64_t>(1, (k + blocks - 1) / blocks);
}

// Packs rows [k0, k0 + depth) of op(b), in blocks of so many rows.
void pack_rows_of_b(const RightOperand& r, int64_t k0, int64_t depth, int64_t block,
                    const Panels& panels, float* packed) {
  const auto count = static_cast<int64_t>(panels.size());
  const int64_t blocks = divide_up(depth, block);
  const int64_t grain = 1 + kPackedPerThread / (panels[0].width * (block + 1));
  parallel_for(0, count * blocks, grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const Panel& panel = panels[i % count];
      const int64_t from = i / count * block, here = std::min(block, depth - from), k = k0 + from;
      float* to = packed + packed_size(panels, from) + panel.offset * here;
      if (r.trans)
        pack_columns(r.b + panel.first * r.ldb + k, r.ldb, here, panel.columns, r.alpha, to,
                     panel.width);
      else
        pack_rows(r.b + k * r.ldb + panel.first, r.ldb, here, panel.columns, r.alpha, to,
                  panel.width);
    }
  });
}

// The part of a that a block of rows reads together.
struct LeftBlock {
  int64_t row, rows, k0, depth;
};

// Part `part` of a block, in parts of `share` runs.
Ahead part_of(const LeftOperand& l, const LeftBlock& block, int64_t part, int64_t share) {
  const int64_t lines = l.trans ? block.depth : block.rows;  // runs in memory, and their length
  const int64_t length = l.trans ? block.rows : block.depth;
  const float* a =
      l.trans ? l.a + block.k0 * l.lda + block.row : l.a + block.row * l.lda + block.k0;
  const int64_t first = part * share;
  return ahead_of_rows(a + first * l.lda, l.lda, std::min(share, lines - first), length);
}

// Rows [k0, k0 + depth) of op(b), packed in blocks of so many rows.
struct Slab {
  int64_t k0, depth, block, k;  // k: of the whole product
  const Panels& panels;
  const float* packed;
};

// A block of rows by panels [panel, last_panel) of a block of b. Each tile lets its share be
// fetched of the next block of a, if there is one, of the next panel, and of c.
void multiply_left_block(const LeftOperand& l, const LeftBlock& block, const LeftBlock& next,
                         int64_t k, const Panel* panel, const Panel* last_panel,
                         const float* packed, bool fetch_b, bool fetch_c, float* own) {
  const int64_t rows = block.rows, depth = block.depth;
  const ptrdiff_t copy_row = divide_up(depth, 16) * 16 + 16, offset = 0;
  const bool is_last = block.k0 + depth == k;
  const float* a = l.a + block.row * l.lda + block.k0;
  float* c = l.c + block.row * l.ldc;
  ptrdiff_t a_row = l.lda;
  if (l.trans) {
    pack_columns(l.a + block.k0 * l.lda + block.row, l.lda, rows, depth, 1, own, copy_row);
  } else if (own) {
    for (int64_t i = 0; i < rows; ++i)
      std::memcpy(own + i * copy_row, a + i * l.lda, depth * sizeof(float));
  }
  if (own) a = own, a_row = copy_row;
  const int64_t next_runs = l.trans ? next.depth : next.rows;
  for (const Panel* p = panel; p != last_panel; ++p) {
    const int64_t tiles = divide_up(rows, p->rows), least = rows / tiles, higher = rows % tiles;
    const int64_t share_of_a = next.rows ? divide_up(next_runs, tiles * (last_panel - panel)) : 0;
    TileOperands t{a,
                   a_row,
                   &offset,
                   1,
                   depth,
                   packed + p->offset * depth,
                   c + p->first,
                   l.ldc,
                   last_columns(*p),
                   l.accumulate || block.k0 > 0};
    if (is_last)
      t.epilogue = l.epilogue.at(block.row * l.ldc + p->first, p->first);
    else if (!t.accumulate && l.epilogue.bias)
      t.epilogue.bias = l.epilogue.bias + p->first;
    for (int64_t tile = 0; tile < tiles; ++tile) {
      const int64_t count = least + (tile < higher);
      if (share_of_a) t.next_a = part_of(l, next, (p - panel) * tiles + tile, share_of_a);
      if (fetch_b) t.next_b = ahead_of_panel(t.b, depth, p->width, tile, tiles);
      if (fetch_c && tile + 1 < tiles)
        t.next_c = ahead_of_rows(t.c + count * l.ldc, l.ldc, least + (tile + 1 < higher), p->width);
      else if (fetch_c && p + 1 < last_panel)
        t.next_c = ahead_of_rows(c + p[1].first, l.ldc, least, p[1].width);
      else if (fetch_c)
        t.next_c = ahead_of_rows(l.c + next.row * l.ldc + panel->first, l.ldc,
                                 std::min(least, next.rows), panel->width);
      find_tile(count, p->vectors)(t);
      t.a += count * a_row;
      t.c += count * l.ldc;
      if (t.epilogue.addend) t.epilogue.addend += count * l.ldc;
    }
  }
}

// Rows [begin, end) of the product, by the given panels of a slab.
void multiply_rows(const LeftOperand& l, int64_t begin, int64_t end, const Slab& slab,
                   const Panel* panel, const Panel* last_panel) {
  // Blocks of whole tiles, as equal as can be: a rest of a few rows would take longer a row.
  const int64_t height = slab.panels.front().rows, tiles = divide_up(end - begin, height);
  const int64_t blocks = std::max<int64_t>(1, (tiles * height + kRowBlock / 2) / kRowBlock);
  const int64_t k_end = slab.k0 + slab.depth;
  const auto first_row = [&](int64_t i) {
    return begin + (end - begin) * (tiles * i / blocks) / tiles;
  };
  const auto at = [&](int64_t i, int64_t k0) {
    const int64_t row = first_row(i);
    return LeftBlock{row, i < blocks ? first_row(i + 1) - row : 0, k0,
                     std::min(slab.block, k_end - k0)};
  };
  Scratch scratch;
  const bool copy = l.trans || l.lda % 1024 == 0;  // all rows in one cache set
  float* own = copy ? scratch.get<float>(divide_up(tiles, blocks) * height *
                                         (divide_up(slab.block, 16) * 16 + 16))
                    : nullptr;
  constexpr int64_t kNear = kNearBytes / static_cast<int64_t>(sizeof(float));
  const int64_t columns = last_panel[-1].first + last_panel[-1].columns - panel->first;
  const bool fetch_b =
      kFetchAll && end - begin > kFewRows && packed_size(slab.panels, slab.depth) > kNear;
  const bool fetch_a = (kFetchAll || columns <= kFewColumns) && (end - begin) * slab.depth > kNear;
  const bool fetch_c = fetch_a || fetch_b || (kFetchAll && (end - begin) * l.ldc > kNear);
  for (int64_t i = 0; i < blocks; ++i)
    for (int64_t k0 = slab.k0; k0 < k_end; k0 += slab.block) {
      LeftBlock next = k0 + slab.block < k_end ? at(i, k0 + slab.block) : at(i + 1, slab.k0);
      if (!fetch_a) next.rows = 0;
      multiply_left_block(l, at(i, k0), next, slab.k, panel, last_panel,
                          slab.packed + packed_size(slab.panels, k0 - slab.k0), fetch_b, fetch_c,
                          own);
    }
}

void multiply_slab(const LeftOperand& l, const Slab& slab) {
  const int64_t step = slab.panels.front().rows, tiles = divide_up(l.m, step);
  const auto count = static_cast<int64_t>(slab.panels.size());
  const Panel* first = slab.panels.data();
  if (tiles >= num_threads() || tiles >= count) {
    const int64_t n = slab.panels.back().first + slab.panels.back().columns;
    parallel_for(0, tiles, 1 + kProductsPerThread / (step * n * (slab.depth + 1)),
                 [&](int64_t begin, int64_t end) {
                   multiply_rows(l, l.m * begin / tiles, l.m * end / tiles, slab, first,
                                 first + count);
                 });
  } else {
    parallel_for(0, count, 1 + kProductsPerThread / (l.m * first->width * (slab.depth + 1)),
                 [&](int64_t begin, int64_t end) {
                   multiply_rows(l, 0, l.m, slab, first + begin, first + end);
                 });
  }
}

// The product of few rows with b as it is stored, (n, k).
void multiply_by_dots(const LeftOperand& l, const RightOperand& r) {
  const F32 d;
  parallel_for(0, r.n, 1 + kProductsPerThread / (l.m * r.k), [&](int64_t begin, int64_t end) {
    for (int64_t j = begin; j < end; ++j)
      for (int64_t i = 0; i < l.m; ++i) {
        const float *a = l.a + i * l.lda, *b = r.b + j * r.ldb;
        VecF sums[4] = {zero(), zero(), zero(), zero()};
        int64_t k = 0;
        for (; k + 4 * kLanes <= r.k; k += 4 * kLanes) {
          TUCO_UNROLL
          for (int s = 0; s < 4; ++s)
            sums[s] = hn::MulAdd(load(a + k + s * kLanes), load(b + k + s * kLanes), sums[s]);
        }
        for (; k < r.k; k += kLanes)
          sums[0] = hn::MulAdd(load_first(a + k, r.k - k), load_first(b + k, r.k - k), sums[0]);
        const VecF all = hn::Add(hn::Add(sums[0], sums[1]), hn::Add(sums[2], sums[3]));
        const ptrdiff_t at = i * l.ldc + j;
        float sum = r.alpha * hn::GetLane(hn::SumOfLanes(d, all));
        if (l.accumulate) sum += l.c[at];
        l.c[at] = l.epilogue.finish(sum, j, at);
      }
  });
}

void gemm_unpacked(const LeftOperand& l, const RightOperand& r) {
  if (l.m <= kDotRows && !l.trans && r.trans) return multiply_by_dots(l, r);
  Scratch scratch;
  const Panels panels = split_columns(r.n, l.m, &scratch);
  const int64_t block = block_depth(r.k);
  const int64_t block_bytes = packed_size(panels, block) * static_cast<int64_t>(sizeof(float));
  const int64_t slab = std::max<int64_t>(1, kSlabBytes / block_bytes) * block;
  float* packed = scratch.get<float>(packed_size(panels, std::min(slab, r.k)));
  for (int64_t k0 = 0; k0 < r.k; k0 += slab) {
    const int64_t depth = std::min(slab, r.k - k0);
    pack_rows_of_b(r, k0, depth, block, panels, packed);
    multiply_slab(l, {k0, depth, block, r.k, panels, packed});
  }
}

void gemm_packed(const LeftOperand& l, int64_t k, const Panels& panels, const float* packed) {
  multiply_slab(l, {0, k, block_depth(k), k, panels, packed});
}

Panels plan_panels(int64_t n) {
  return split_columns(n, 1 << 20, std::pmr::get_default_resource());
}

void pack_all(const RightOperand& r, const Panels& panels, float* packed) {
  pack_rows_of_b(r, 0, r.k, block_depth(r.k), panels, packed);
}

int64_t packed_floats(int64_t k, const Panels& panels) { return packed_size(panels, k); }

}  // namespace tuco::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tuco::cpu {

HWY_EXPORT(gemm_unpacked);
HWY_EXPORT(gemm_packed);
HWY_EXPORT(plan_panels);
HWY_EXPORT(pack_all);
HWY_EXPORT(packed_floats);

namespace {

// The product of no depth: the epilogue of zeros, or of c.
void finish(int64_t m, int64_t n, bool accumulate, float* c, int64_t ldc,
            const Epilogue<float>& epilogue) {
  if (!accumulate)
    for (int64_t i = 0; i < m; ++i) std::fill_n(c + i * ldc, n, 0.0f);
  epilogue.finish_rows(c, m, n, ldc);
}

}  // namespace

template <>
void gemm<float>(bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t k, float alpha,
                 const float* a, int64_t lda, const float* b, int64_t ldb, float beta, float* c,
                 int64_t ldc, const Epilogue<float>& epilogue) {
  if (m == 0 || n == 0) return;
  const bool accumulate = beta != 0;
  if (k == 0) return finish(m, n, accumulate, c, ldc, epilogue);
  // The tiles start from c or from the bias, not from both.
  Epilogue<float> rest = epilogue;
  if (accumulate && epilogue.bias) {
    finish(m, n, true, c, ldc, {.bias = epilogue.bias});
    rest.bias = nullptr;
  }
  TUCO_DISPATCH(gemm_unpacked)
  ({trans_a, m, a, lda, accumulate, c, ldc, rest}, {trans_b, k, n, b, ldb, alpha});
}

PackedMatrix::PackedMatrix(bool trans, int64_t k, int64_t n, const float* b, int64_t ldb)
    : k_(k),
      n_(n),
      panels_(TUCO_DISPATCH(plan_panels)(n)),
      size_(TUCO_DISPATCH(packed_floats)(k, panels_)),
      data_(static_cast<size_t>(bytes())) {
  TUCO_DISPATCH(pack_all)({trans, k, n, b, ldb, 1}, panels_, data_.as<float>());
}

void gemm(int64_t m, const float* a, int64_t lda, const PackedMatrix& b, float* c, int64_t ldc,
          const Epilogue<float>& epilogue, float beta) {
  if (m == 0 || b.columns() == 0) return;
  const bool accumulate = beta != 0;
  if (b.rows() == 0) return finish(m, b.columns(), accumulate, c, ldc, epilogue);
  TUCO_DISPATCH(gemm_packed)
  ({false, m, a, lda, accumulate, c, ldc, epilogue}, b.rows(), b.panels(), b.data());
}

}  // namespace tuco::cpu
#endif
