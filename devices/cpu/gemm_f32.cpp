// The product in float32. b is packed into panels of two or three vectors by kDepth rows, which
// stay in L1 while a block of rows of a, read in place or copied, passes over them.
#include "tuco/devices/cpu/gemm.h"

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

constexpr int64_t kDepth = 256;     // about so many rows of b at a time: a panel takes 16 to 48 KB
constexpr int64_t kRowBlock = 126;  // rows of a that pass over all panels together
// Multiply-adds that are worth a thread of their own.
constexpr int64_t kProductsPerThread = 1 << 18;

// Rows of b in a block: an even share, so that the last one is not a thin rest.
inline int64_t block_depth(int64_t k) {
  const int64_t blocks = std::max<int64_t>(1, (k + kDepth / 2) / kDepth);
  return std::max<int64_t>(1, (k + blocks - 1) / blocks);
}

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

// Packs rows [k0, k0 + depth) of op(b).
void pack_block(const RightOperand& r, int64_t k0, int64_t depth, const Panels& panels,
                float* packed) {
  const int64_t grain = 1 + kProductsPerThread / (4 * kLanes * (depth + 1));
  parallel_for(0, static_cast<int64_t>(panels.size()), grain, [&](int64_t begin, int64_t end) {
    for (int64_t p = begin; p < end; ++p) {
      const Panel& panel = panels[p];
      float* to = packed + panel.offset * depth;
      if (r.trans)
        pack_columns(r.b + panel.first * r.ldb + k0, r.ldb, depth, panel.columns, r.alpha, to,
                     panel.width);
      else
        pack_rows(r.b + k0 * r.ldb + panel.first, r.ldb, depth, panel.columns, r.alpha, to,
                  panel.width);
    }
  });
}

// Rows [begin, end) of the product, by the given panels, with a block of b.
void multiply_rows(const LeftOperand& l, int64_t begin, int64_t end, int64_t k0, int64_t depth,
                   int64_t k, const Panel* panel, const Panel* last_panel, const float* packed) {
  Scratch scratch;
  const bool copy = l.trans || (depth < k && l.lda % 64 == 0);  // one cache set, one page a row
  const bool is_last = k0 + depth == k;
  const ptrdiff_t copy_row = divide_up(depth, 16) * 16 + 16;
  float* own = copy ? scratch.get<float>(kRowBlock * copy_row) : nullptr;
  const ptrdiff_t offset = 0;
  for (int64_t i0 = begin; i0 < end; i0 += kRowBlock) {
    const int64_t rows = std::min(kRowBlock, end - i0);
    const float* a = l.a + i0 * l.lda + k0;
    ptrdiff_t a_row = l.lda;
    if (l.trans) {
      pack_columns(l.a + k0 * l.lda + i0, l.lda, rows, depth, 1, own, copy_row);
    } else if (copy) {
      for (int64_t i = 0; i < rows; ++i)
        std::memcpy(own + i * copy_row, a + i * l.lda, depth * sizeof(float));
    }
    if (copy) a = own, a_row = copy_row;
    for (const Panel* p = panel; p != last_panel; ++p) {
      for (int64_t i = 0; i < rows; i += p->rows) {
        const ptrdiff_t at = (i0 + i) * l.ldc + p->first;
        TileOperands t{a + i * a_row, a_row,      &offset, 1,
                       depth,         packed + p->offset * depth,
                       l.c + at,      l.ldc,      last_columns(*p), l.accumulate || k0 > 0};
        if (is_last)
          t.epilogue = l.epilogue.at(at, p->first);
        else if (!t.accumulate && l.epilogue.bias)
          t.epilogue.bias = l.epilogue.bias + p->first;
        find_tile(std::min(p->rows, rows - i), p->vectors)(t);
      }
    }
  }
}

void multiply_block(const LeftOperand& l, int64_t k0, int64_t depth, int64_t k,
                    const Panels& panels, const float* packed) {
  const int64_t step = panels.front().rows, tiles = divide_up(l.m, step);
  const auto count = static_cast<int64_t>(panels.size());
  const Panel* first = panels.data();
  if (tiles >= num_threads() || tiles >= count) {
    const int64_t n = panels.back().first + panels.back().columns;
    parallel_for(0, tiles, 1 + kProductsPerThread / (step * n * (depth + 1)),
                 [&](int64_t begin, int64_t end) {
                   multiply_rows(l, begin * step, std::min(l.m, end * step), k0, depth, k, first,
                                 first + count, packed);
                 });
  } else {
    parallel_for(0, count, 1 + kProductsPerThread / (l.m * panels[0].width * (depth + 1)),
                 [&](int64_t begin, int64_t end) {
                   multiply_rows(l, 0, l.m, k0, depth, k, first + begin, first + end, packed);
                 });
  }
}

void gemm_unpacked(const LeftOperand& l, const RightOperand& r) {
  Scratch scratch;
  const Panels panels = split_columns(r.n, l.m, &scratch);
  const int64_t block = block_depth(r.k);
  float* packed = scratch.get<float>(packed_size(panels, block));
  for (int64_t k0 = 0; k0 < r.k; k0 += block) {
    const int64_t depth = std::min(block, r.k - k0);
    pack_block(r, k0, depth, panels, packed);
    multiply_block(l, k0, depth, r.k, panels, packed);
  }
}

void gemm_packed(const LeftOperand& l, int64_t k, const Panels& panels,
                 const float* packed) {
  const int64_t block = block_depth(k);
  for (int64_t k0 = 0; k0 < k; k0 += block)
    multiply_block(l, k0, std::min(block, k - k0), k, panels,
                   packed + packed_size(panels, k0));
}

Panels plan_panels(int64_t n) {
  return split_columns(n, 1 << 20, std::pmr::get_default_resource());
}

void pack_all(const RightOperand& r, const Panels& panels, float* packed) {
  const int64_t block = block_depth(r.k);
  for (int64_t k0 = 0; k0 < r.k; k0 += block)
    pack_block(r, k0, std::min(block, r.k - k0), panels, packed + packed_size(panels, k0));
}

int64_t packed_floats(int64_t k, const Panels& panels) {
  return packed_size(panels, k);
}

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
  if (accumulate && epilogue.bias) finish(m, n, true, c, ldc, {.bias = epilogue.bias});
  TUCO_DISPATCH(gemm_unpacked)
  ({trans_a, m, a, lda, accumulate, c, ldc, epilogue}, {trans_b, k, n, b, ldb, alpha});
}

PackedMatrix::PackedMatrix(bool trans, int64_t k, int64_t n, const float* b, int64_t ldb)
    : k_(k),
      n_(n),
      panels_(TUCO_DISPATCH(plan_panels)(n)),
      size_(TUCO_DISPATCH(packed_floats)(k, panels_)),
      data_(size_) {
  TUCO_DISPATCH(pack_all)({trans, k, n, b, ldb, 1}, panels_, data_.data());
}

void gemm(int64_t m, const float* a, int64_t lda, const PackedMatrix& b, float* c, int64_t ldc,
          const Epilogue<float>& epilogue) {
  if (m == 0 || b.columns() == 0) return;
  if (b.rows() == 0) return finish(m, b.columns(), false, c, ldc, epilogue);
  TUCO_DISPATCH(gemm_packed)
  ({false, m, a, lda, false, c, ldc, epilogue}, b.rows(), b.panels(), b.data());
}

}  // namespace tuco::cpu
#endif
