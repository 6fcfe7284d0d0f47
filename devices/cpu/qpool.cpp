// Pooling and means of int8, a block of channels at a time.
#define HWY_WANT_AVX3_DL
#include "tuco/core/parallel.h"
#include "tuco/devices/cpu/highway_targets.h"
#include "tuco/devices/cpu/kernels.h"
#include "tuco/devices/cpu/scratch.h"
#include "tuco/devices/pool_windows.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tuco/devices/cpu/qpool.cpp"
#include <hwy/foreach_target.h>

#include "tuco/devices/cpu/int8-inl.h"

#ifndef TUCO_DEVICES_CPU_QPOOL_ONCE_
#define TUCO_DEVICES_CPU_QPOOL_ONCE_
namespace tuco::cpu {

/// The range that an activation leaves.
struct QBounds {
  int32_t low, high;
};

/// A mean over the middle of (outer, reduced, inner).
struct QMeanBlocks {
  int64_t outer = 1, reduced = 1, inner = 1;
};

}  // namespace tuco::cpu
#endif

HWY_BEFORE_NAMESPACE();
namespace tuco::cpu::HWY_NAMESPACE {
namespace {

/// The cells of one window: `rows` by `columns` of them, from `first` on.
struct QWindow {
  const int8_t* first;
  int64_t rows, columns, row_step, column_step;
  int64_t padded_cells;

  template <class Body>
  HWY_INLINE void for_each(const Body& body) const {
    for (int64_t a = 0; a < rows; ++a)
      for (int64_t b = 0; b < columns; ++b) body(first + a * row_step + b * column_step);
  }
};

/// Calls body(window, output of its first channel) for all windows.
template <class Body>
void for_each_window(const WindowGeometry& g, const int8_t* x, int8_t* y, const Body& body) {
  const PoolAxis v = vertical(g), h = horizontal(g);
  // The same in each row.
  struct Columns {
    int64_t first, count, padded_cells;
  };
  Scratch scratch;
  auto* columns = scratch.get<Columns>(g.out_w);
  for (int64_t j = 0; j < g.out_w; ++j) {
    const auto cells = h.cells(j);
    columns[j] = {h.input(j, cells.begin) * g.in_c, cells.end - cells.begin, h.padded_cells(j)};
  }
  const int64_t row_work = g.out_w * g.in_c * g.kernel.h * g.kernel.w;
  parallel_for(0, g.batch * g.out_h, 1 + 16 * kGrain / (row_work + 1),
               [&](int64_t begin, int64_t end) {
                 for (int64_t row = begin; row < end; ++row) {
                   const int64_t n = row / g.out_h, i = row % g.out_h;
                   const auto rows = v.cells(i);
                   const int8_t* from = x + (n * g.in_h + v.input(i, rows.begin)) * g.in_w * g.in_c;
                   const int64_t padded = v.padded_cells(i);
                   for (int64_t j = 0; j < g.out_w; ++j) {
                     const Columns& c = columns[j];
                     body(QWindow{from + c.first, rows.end - rows.begin, c.count, g.in_w * g.in_c,
                                  g.in_c, padded * c.padded_cells},
                          y + (row * g.out_w + j) * g.in_c);
                   }
                 }
               });
}

template <class D>
void max_pool_by(D d, const WindowGeometry& g, QBounds bounds, const int8_t* x, int8_t* y) {
  constexpr int64_t lanes = hn::MaxLanes(D());
  for_each_window(g, x, y, [&](const QWindow& window, int8_t* out) {
    for (int64_t c = 0; c < g.in_c; c += lanes) {
      const int64_t at = std::min(c, g.in_c - lanes);  // the last block overlaps the one before
      auto best = hn::Set(d, static_cast<int8_t>(bounds.low));
      const auto take = [&](const int8_t* cell) { best = hn::Max(best, hn::LoadU(d, cell + at)); };
      if (window.rows == 2 && window.columns == 2) {  // the common one, without loops
        for (const int64_t row : {int64_t{0}, window.row_step}) {
          take(window.first + row);
          take(window.first + row + window.column_step);
        }
      } else {
        window.for_each(take);
      }
      hn::StoreU(hn::Min(best, hn::Set(d, static_cast<int8_t>(bounds.high))), d, out + at);
    }
  });
}

void max_pool(const WindowGeometry& g, QBounds bounds, const int8_t* x, int8_t* y) {
  if (g.in_c >= 4 * kLanes) return max_pool_by(I8(), g, bounds, x, y);
  if (g.in_c >= 2 * kLanes) return max_pool_by(I8Half(), g, bounds, x, y);
  if (g.in_c >= kLanes) return max_pool_by(I8Quarter(), g, bounds, x, y);
  for_each_window(g, x, y, [&](const QWindow& window, int8_t* out) {
    std::fill_n(out, g.in_c, static_cast<int8_t>(bounds.low));
    window.for_each([&](const int8_t* cell) {
      for (int64_t c = 0; c < g.in_c; ++c) out[c] = std::max(out[c], cell[c]);
    });
    for (int64_t c = 0; c < g.in_c; ++c)
      out[c] = std::min(out[c], static_cast<int8_t>(bounds.high));
  });
}

/// Sums of channels [0, size) over a window's cells, `values` at a time: gives finish(vector,
/// channel, count).
template <class Finish>
HWY_INLINE void sum_channels(const QWindow& window, int64_t size, const Finish& finish) {
  int64_t c = 0;
  constexpr int kMany = HWY_TARGET == HWY_SCALAR ? 1 : 4;  // vectors at a time
  for (; c + kMany * kLanes <= size; c += kMany * kLanes) {
    VecI sums[kMany];
    TUCO_UNROLL
    for (int k = 0; k < kMany; ++k) sums[k] = hn::Zero(I32());
    window.for_each([&](const int8_t* cell) {
      TUCO_UNROLL
      for (int k = 0; k < kMany; ++k)
        sums[k] = sums[k] + hn::PromoteTo(I32(), hn::LoadU(I8Quarter(), cell + c + k * kLanes));
    });
    TUCO_UNROLL
    for (int k = 0; k < kMany; ++k) finish(sums[k], c + k * kLanes, kLanes);
  }
  for (; c < size; c += kLanes) {
    const int64_t count = std::min<int64_t>(kLanes, size - c);
    HWY_ALIGN int32_t sums[kLanes] = {};
    window.for_each([&](const int8_t* cell) {
      for (int64_t k = 0; k < count; ++k) sums[k] += cell[c + k];
    });
    finish(hn::Load(I32(), sums), c, count);
  }
}

void average_pool(const WindowGeometry& g, bool count_include_pad, int32_t zero_point,
                  QBounds bounds, const int8_t* x, int8_t* y) {
  const VecI low = splat_integer(bounds.low), high = splat_integer(bounds.high);
  for_each_window(g, x, y, [&](const QWindow& window, int8_t* out) {
    const int64_t inside = window.rows * window.columns;
    const int64_t cells = count_include_pad ? window.padded_cells : inside;
    const auto padding = static_cast<int32_t>((cells - inside) * zero_point);
    // Sums and halves of these are exact in float32, and so is what truncation leaves of the
    // quotient.
    const bool exact = cells < 1 << 15;
    sum_channels(window, g.in_c, [&](VecI sum, int64_t c, int64_t count) {
      sum = sum + splat_integer(padding);
      if (exact) {
        const VecF v = hn::ConvertTo(F32(), sum);
        const VecF away = v + hn::CopySign(splat(static_cast<float>(cells / 2)), v);
        const VecF quotient = hn::Trunc(away / splat(static_cast<float>(cells)));
        const VecI mean = hn::ConvertTo(I32(), quotient);
        return store_first_bytes(I8Quarter(), narrow(hn::Min(hn::Max(mean, low), high)), out + c,
                                 count);
      }
      HWY_ALIGN int32_t lanes[kLanes];
      hn::Store(sum, I32(), lanes);
      for (int64_t k = 0; k < count; ++k)
        out[c + k] = static_cast<int8_t>(std::clamp<int64_t>(
            (lanes[k] > 0 ? lanes[k] + cells / 2 : lanes[k] - cells / 2) / cells, bounds.low,
            bounds.high));
    });
  });
}

void mean(const op::QMean& op, const QMeanBlocks& b, const int8_t* x, int8_t* y) {
  const UniformConstants scale(op.multiplier, op.out);
  const VecI offset = splat_integer(-op.in_zero_point * b.reduced);
  const VecI low = splat_integer(op.out.low), high = splat_integer(op.out.high);
  parallel_for(0, b.outer, 1 + 16 * kGrain / (b.reduced * b.inner + 1),
               [&](int64_t begin, int64_t end) {
                 for (int64_t o = begin; o < end; ++o) {
                   const QWindow window{x + o * b.reduced * b.inner, 1, b.reduced, 0, b.inner, 0};
                   sum_channels(window, b.inner, [&](VecI sum, int64_t c, int64_t count) {
                     const VecI v = requantize_general(sum + offset, scale.constants, 0);
                     store_first_bytes(I8Quarter(), narrow(hn::Min(hn::Max(v, low), high)),
                                       y + o * b.inner + c, count);
                   });
                 }
               });
}

}  // namespace
}  // namespace tuco::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tuco::cpu {

HWY_EXPORT(max_pool);
HWY_EXPORT(average_pool);
HWY_EXPORT(mean);

void run(const op::QMaxPool2d& op, Inputs in, Out out, Workspace&) {
  TUCO_DISPATCH(max_pool)
  (geometry(op.name, op.window, in[0].shape()), QBounds{op.low, op.high}, ptr<int8_t>(in[0]),
   ptr<int8_t>(out[0]));
}

void run(const op::QAvgPool2d& op, Inputs in, Out out, Workspace&) {
  TUCO_DISPATCH(average_pool)
  (geometry(op.name, op.window, in[0].shape()), op.window.count_include_pad, op.zero_point,
   QBounds{op.low, op.high}, ptr<int8_t>(in[0]), ptr<int8_t>(out[0]));
}

void run(const op::QMean& op, Inputs in, Out out, Workspace&) {
  QMeanBlocks blocks;
  const Shape& shape = in[0].shape();
  for (int i = 0; i < shape.rank(); ++i)
    (i < op.dims[0]                     ? blocks.outer
     : i <= op.dims[op.dims.rank() - 1] ? blocks.reduced
                                        : blocks.inner) *= shape[i];
  TUCO_DISPATCH(mean)(op, blocks, ptr<int8_t>(in[0]), ptr<int8_t>(out[0]));
}

}  // namespace tuco::cpu
#endif
