// Depthwise convolution on int8. A row of outputs, columns and channels together, is taken in
// blocks of as many bytes as a vector has. For kGroup taps at a time their rows of elements are
// interleaved, which brings the elements under one output into one lane, and a dot product sums
// them. Columns are sorted by their place within a stride, so that each tap's elements for
// neighbouring outputs lie together whatever the stride. docs/kernels.md, "int8".
#define HWY_WANT_AVX3_DL
#include <numeric>

#include "tuco/core/parallel.h"
#include "tuco/devices/cpu/highway_targets.h"
#include "tuco/devices/cpu/qproduct.h"
#include "tuco/devices/cpu/scratch.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tuco/devices/cpu/qdepthwise.cpp"
#include <hwy/foreach_target.h>

#include "tuco/devices/cpu/int8-inl.h"

#ifndef TUCO_DEVICES_CPU_QDEPTHWISE_ONCE_
#define TUCO_DEVICES_CPU_QDEPTHWISE_ONCE_
namespace tuco::cpu {

constexpr int64_t kDepthwiseStrip = 48 << 10;  // bytes of elements at a time
constexpr int64_t kOutputsPerThread = 1 << 15;

}  // namespace tuco::cpu
#endif

HWY_BEFORE_NAMESPACE();
namespace tuco::cpu::HWY_NAMESPACE {
namespace {

// Outputs of a block: kGroup vectors of sums.
constexpr int64_t kBlock = kGroup * kLanes;

#if HWY_TARGET == HWY_SCALAR
template <class D>
HWY_INLINE void interleave(D, const Element* const* taps, VecI* lanes) {
  for (int j = 0; j < kGroup; ++j) {
    const Element pair[] = {taps[0][j], taps[1][j]};
    std::memcpy(&lanes[j].raw, pair, 4);
  }
}
template <class D>
HWY_INLINE void spread(D d, const Element* tap, VecI* lanes) {
  const Element* const taps[] = {tap, tap};
  interleave(d, taps, lanes);
}
template <class Finish>
HWY_INLINE void narrow_block(const VecI* v, const Finish& finish) {
  for (int j = 0; j < kGroup; ++j) finish(I8Quarter(), narrow(v[j]), j);
}
#else
/// The elements of kGroup taps for kBlock outputs, to kGroup vectors with one output in each lane.
template <class D>
HWY_INLINE void interleave(D, const Element* const* taps, VecI* lanes) {
  const auto tap = [&](int i) { return hn::LoadU(D(), taps[i]); };
#if HWY_TARGET == HWY_AVX3_DL
  using Pairs = hn::Repartition<uint16_t, D>;
  const auto a = tap(0), b = tap(1), c = tap(2), d = tap(3);
  const auto low_ab = hn::BitCast(Pairs(), hn::InterleaveLower(D(), a, b)),
             high_ab = hn::BitCast(Pairs(), hn::InterleaveUpper(D(), a, b)),
             low_cd = hn::BitCast(Pairs(), hn::InterleaveLower(D(), c, d)),
             high_cd = hn::BitCast(Pairs(), hn::InterleaveUpper(D(), c, d));
  lanes[0] = hn::BitCast(I32(), hn::InterleaveLower(Pairs(), low_ab, low_cd));
  lanes[1] = hn::BitCast(I32(), hn::InterleaveUpper(Pairs(), low_ab, low_cd));
  lanes[2] = hn::BitCast(I32(), hn::InterleaveLower(Pairs(), high_ab, high_cd));
  lanes[3] = hn::BitCast(I32(), hn::InterleaveUpper(Pairs(), high_ab, high_cd));
#else
  const auto a = tap(0), b = tap(1);
  lanes[0] = hn::BitCast(I32(), hn::InterleaveLower(D(), a, b));
  lanes[1] = hn::BitCast(I32(), hn::InterleaveUpper(D(), a, b));
#endif
}

/// The same of one tap alone, where the weights of the others are zero and anything may stand for
/// them.
template <class D>
HWY_INLINE void spread(D, const Element* tap, VecI* lanes) {
  const auto x = hn::LoadU(D(), tap);
#if HWY_TARGET == HWY_AVX3_DL
  TUCO_UNROLL
  for (int j = 0; j < kGroup; ++j) {
    const VecI first = splat_integer(0x04040404 * j);
    HWY_ALIGN constexpr int32_t kBytes[4] = {0, 0x01010101, 0x02020202, 0x03030303};
    lanes[j] = hn::BitCast(
        I32(), hn::TableLookupBytes(x, hn::BitCast(D(), hn::LoadDup128(I32(), kBytes) + first)));
  }
#else
  lanes[0] = hn::BitCast(I32(), hn::InterleaveLower(D(), x, x));
  lanes[1] = hn::BitCast(I32(), hn::InterleaveUpper(D(), x, x));
#endif
}

/// Calls finish(tag, bytes, place) for the sums' int8 in the order of the outputs: narrowing within
/// 128 bits undoes the interleaving.
template <class Finish>
HWY_INLINE void narrow_block(const VecI* v, const Finish& finish) {
#if HWY_TARGET == HWY_AVX3_DL
  finish(I8(), narrow_four(v), 0);
#else
  finish(I8Half(), narrow(v[0], v[1]), 0);
#endif
}
#endif

/// Blocks of a row of outputs that share their channels.
struct QBlocks {
  const ptrdiff_t* taps;       // offsets of the taps, a multiple of kGroup of them
  int64_t taps_count, groups;  // of taps
  const Element* x;
  const Weight* weights;
  const QConstants* constants;
  int8_t* y;
  int64_t size, step;  // outputs to the row's end; from block to block
};

// The groups of a 3 x 3 kernel, the common one.
constexpr int kNineTaps = (9 + kGroup - 1) / kGroup;

/// kGroups is the number of groups of nine taps, or 0 for any number; kForm what the constants say.
template <int kGroups, QForm kForm>
void convolve_blocks(const QBlocks& b) {
  const QConstants& c = *b.constants;
  const int64_t groups = kGroups ? kGroups : b.groups;
  VecI bias[kGroup];
  Requantizer requantizers[kGroup];
  TUCO_UNROLL
  for (int j = 0; j < kGroup; ++j) {
    bias[j] = load_ints(c.bias + j * kLanes);
    if constexpr (kForm != QForm::general) requantizers[j] = Requantizer(c, j * kLanes);
  }
  for (int64_t at = 0; at < b.size; at += b.step) {
    const Weight* w = b.weights;
    VecI sums[kGroup];
    TUCO_UNROLL
    for (int j = 0; j < kGroup; ++j) sums[j] = bias[j];
    const auto group_of_taps = [&](int64_t group) {
      const Element* taps[kGroup];
      TUCO_UNROLL
      for (int k = 0; k < kGroup; ++k) taps[k] = b.x + b.taps[group * kGroup + k] + at;
      VecI lanes[kGroup];
      if (kGroups == kNineTaps && group == kGroups - 1)  // the ninth
        spread(hn::ScalableTag<Element>(), taps[0], lanes);
      else
        interleave(hn::ScalableTag<Element>(), taps, lanes);
      TUCO_UNROLL
      for (int j = 0; j < kGroup; ++j, w += kBlock)
        sums[j] = dot(sums[j], lanes[j], load_ints(reinterpret_cast<const int32_t*>(w)));
    };
    if constexpr (kGroups > 0) {
      TUCO_UNROLL
      for (int group = 0; group < kGroups; ++group) group_of_taps(group);
    } else {
      for (int64_t group = 0; group < groups; ++group) group_of_taps(group);
    }
    TUCO_UNROLL
    for (int j = 0; j < kGroup; ++j) {
      if constexpr (kForm == QForm::general)
        sums[j] = requantize_general(sums[j], c, j * kLanes);
      else
        sums[j] = requantizers[j].template scaled<kForm>(sums[j]);
    }
    int8_t* y = b.y + at;
    narrow_block(sums, [&](auto d, auto bytes, int64_t place) {
      const auto low = hn::Set(d, static_cast<int8_t>(c.out.low)),
                 high = hn::Set(d, static_cast<int8_t>(c.out.high));
      const int64_t rest = b.size - at - place;
      if (rest > 0) store_first_bytes(d, hn::Min(hn::Max(bytes, low), high), y + place, rest);
    });
  }
}

template <QForm kForm>
void convolve_blocks(const QBlocks& b) {
  (b.taps_count == 9 ? convolve_blocks<kNineTaps, kForm> : convolve_blocks<0, kForm>)(b);
}

void convolve_blocks(const QBlocks& b) {
  switch (b.constants->form) {
    case QForm::general:
      return convolve_blocks<QForm::general>(b);
    case QForm::ties_away:
      return convolve_blocks<QForm::ties_away>(b);
    case QForm::ties_up:
      return convolve_blocks<QForm::ties_up>(b);
  }
}

/// Rows of images as elements with their padding, columns sorted by their place within a stride.
struct SortedRows {
  const WindowGeometry& g;
  int32_t zero_point;
  int64_t columns, phase,
      pitch;  // columns with padding; elements from phase to phase, row to row

  SortedRows(const WindowGeometry& geometry, int32_t zero)
      : g(geometry),
        zero_point(zero),
        columns(g.in_w + g.padding.left + g.padding.right),
        phase((columns + g.stride.w - 1) / g.stride.w * g.out_c),
        pitch(phase * g.stride.w) {}

  int64_t reach() const { return (g.kernel.h - 1) * g.dilation.h + 1; }
  int64_t rows_for(int64_t out_rows) const { return (out_rows - 1) * g.stride.h + reach(); }
  int64_t place(int64_t column) const {
    return column % g.stride.w * phase + column / g.stride.w * g.out_c;
  }

  /// The rows under output rows [first, first + count) of an image.
  void fill(const int8_t* image, int64_t first, int64_t count, Element* strip) const {
    const int64_t start = first * g.stride.h - g.padding.top;
    for (int64_t r = 0; r < rows_for(count); ++r) {
      Element* to = strip + r * pitch;
      const int64_t row = start + r;
      if (row < 0 || row >= g.in_h) {
        pad_elements(pitch, zero_point, to);
        continue;
      }
      for (int64_t place = 0; place < g.stride.w; ++place, to += phase) {
        // Of the padded columns place, place + stride, ..., those on the left, inside, on the
        // right.
        const auto columns_below = [&](int64_t end) {
          return (std::max<int64_t>(0, end - place) + g.stride.w - 1) / g.stride.w;
        };
        const int64_t left = columns_below(g.padding.left),
                      inside = columns_below(g.padding.left + g.in_w), all = columns_below(columns);
        pad_elements(left * g.out_c, zero_point, to);
        const int64_t column = place + left * g.stride.w - g.padding.left;
        copy_columns(image + (row * g.in_w + column) * g.in_c, inside - left, to + left * g.out_c);
        pad_elements((all - inside) * g.out_c, zero_point, to + inside * g.out_c);
      }
    }
  }

 private:
  /// Every stride-th column from `from` on.
  void copy_columns(const int8_t* from, int64_t count, Element* to) const {
    const int64_t step = g.stride.w * g.in_c;
    if (g.out_c != g.in_c) {
      const int64_t multiplier = g.out_c / g.in_c;
      for (int64_t i = 0; i < count; ++i)
        for (int64_t c = 0; c < g.in_c; ++c, to += multiplier) {
          Element element;
          to_elements(from + i * step + c, 1, zero_point, &element);
          std::fill_n(to, multiplier, element);
        }
    } else if (g.stride.w == 1) {
      to_elements(from, count * g.in_c, zero_point, to);
    } else if (g.in_c % HWY_LANES(Element) == 0) {
      copy_by(hn::ScalableTag<Element>(), from, count, to);
    } else if (constexpr int64_t some = std::min<int64_t>(16, HWY_LANES(Element));
               g.in_c % some == 0) {
      copy_by(hn::CappedTag<Element, some>(), from, count, to);
    } else if (constexpr int64_t few = std::min<int64_t>(8, HWY_LANES(Element));
               g.in_c % few == 0) {
      copy_by(hn::CappedTag<Element, few>(), from, count, to);
    } else {
      for (int64_t i = 0; i < count; ++i)
        to_elements(from + i * step, g.in_c, zero_point, to + i * g.in_c);
    }
  }
  template <class D>
  void copy_by(D d, const int8_t* from, int64_t count, Element* to) const {
    for (int64_t i = 0; i < count; ++i, from += g.stride.w * g.in_c)
      for (int64_t c = 0; c < g.in_c;
           c += static_cast<int64_t>(hn::MaxLanes(D())), to += hn::MaxLanes(D()))
        convert_elements(d, from + c, zero_point, to);
  }
};

void convolve_depthwise(const WindowGeometry& g, const QPacked& packed, const int8_t* x,
                        int8_t* y) {
  const SortedRows rows(g, packed.product.in_zero_point);
  const int64_t taps = packed.product.taps(), groups = (taps + kGroup - 1) / kGroup;
  const int64_t strip_rows =
      kDepthwiseStrip / (rows.pitch * static_cast<int64_t>(sizeof(Element)) + 1);
  const int64_t block =
      std::clamp<int64_t>((strip_rows - rows.reach()) / g.stride.h + 1, 1, g.out_h);
  const int64_t outputs = g.out_w * g.out_c;  // of a row
  parallel_for(0, g.batch * g.out_h, 1 + kOutputsPerThread / (outputs + 1),
               [&](int64_t begin, int64_t end) {
                 Scratch scratch;
                 auto* strip = scratch.get<Element>(
                     rows.rows_for(std::min(block, end - begin)) * rows.pitch + 2 * kBlock);
                 auto* offsets = scratch.get<ptrdiff_t>(groups * kGroup);
                 for (int64_t t = 0; t < groups * kGroup; ++t) {
                   const int64_t tap = std::min(t, taps - 1);  // those beyond have weights of zero
                   offsets[t] = tap / g.kernel.w * g.dilation.h * rows.pitch +
                                rows.place(tap % g.kernel.w * g.dilation.w);
                 }
                 for (int64_t row = begin; row < end;) {
                   const int64_t n = row / g.out_h, first = row % g.out_h;
                   const int64_t count = std::min({block, g.out_h - first, end - row});
                   rows.fill(x + n * g.in_h * g.in_w * g.in_c, first, count, strip);
                   for (int64_t c = 0; c < packed.count && c * kBlock < outputs; ++c) {
                     QBlocks b{offsets,
                               taps,
                               groups,
                               nullptr,
                               packed.weights.as<Weight>() +
                                   c * static_cast<int64_t>(packed.weight_bytes / sizeof(Weight)),
                               &packed.constants[c],
                               nullptr,
                               outputs - c * kBlock,
                               packed.count * kBlock};
                     for (int64_t r = 0; r < count; ++r) {
                       b.x = strip + r * g.stride.h * rows.pitch + c * kBlock;
                       b.y = y + (row + r) * outputs + c * kBlock;
                       convolve_blocks(b);
                     }
                   }
                   row += count;
                 }
               });
}

void pack_depthwise(const QProduct& p, QPacked& packed) {
  packed.width = kBlock;
  packed.count = p.out / std::gcd(p.out, kBlock);
  packed.runs = p.taps();
  packed.length = 1;
  const int64_t groups = (p.taps() + kGroup - 1) / kGroup;
  packed.weight_bytes = static_cast<size_t>(groups * kGroup * kLanes * 4);
  allocate(packed);
  // Which output each lane of the sums belongs to: what interleaving their numbers shows.
  std::array<Element, kBlock> numbers;
  for (int64_t i = 0; i < kBlock; ++i) numbers[i] = static_cast<Element>(i);
  const Element* same[kGroup];
  std::fill_n(same, kGroup, numbers.data());
  VecI lanes[kGroup];
  interleave(hn::ScalableTag<Element>(), same, lanes);
  std::array<Element, kBlock * kGroup> outputs;
  for (int64_t j = 0; j < kGroup; ++j)
    hn::StoreU(lanes[j], I32(), reinterpret_cast<int32_t*>(outputs.data() + j * kBlock));
  for (int64_t c = 0; c < packed.count; ++c) {
    auto* to = packed.weights.as<Weight>() +
               c * static_cast<int64_t>(packed.weight_bytes / sizeof(Weight));
    for (int64_t lane = 0; lane < kBlock; ++lane) {
      const int64_t channel = (c * kBlock + outputs[lane * kGroup]) % p.out;
      set_lane(p, channel, weight_correction(p.in_zero_point), packed, c, lane);
      for (int64_t t = 0; t < p.taps(); ++t)
        to[(t / kGroup * kBlock + lane) * kGroup + t % kGroup] = p.weight[channel * p.taps() + t];
    }
  }
}

}  // namespace
}  // namespace tuco::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tuco::cpu {

HWY_EXPORT(convolve_depthwise);
HWY_EXPORT(pack_depthwise);

void pack_depthwise(const QProduct& product, QPacked& packed) {
  TUCO_DISPATCH(pack_depthwise)(product, packed);
}
void convolve_depthwise(const WindowGeometry& g, const QPacked& packed, const int8_t* x,
                        int8_t* y) {
  TUCO_DISPATCH(convolve_depthwise)(g, packed, x, y);
}

}  // namespace tuco::cpu
#endif
