// Depthwise convolution in float32. Images are read in place, region by region of outputs with the
// same taps inside. Some outputs along a row or a column, or some vectors of channels of one pixel,
// are summed in registers together; the gradient of the weights keeps the sums of some taps there
// while it passes over a region.
#include "tuco/core/parallel.h"
#include "tuco/devices/cpu/depthwise.h"
#include "tuco/devices/cpu/highway_targets.h"
#include "tuco/devices/cpu/regions.h"
#include "tuco/devices/cpu/scratch.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tuco/devices/cpu/depthwise_f32.cpp"
#include <hwy/foreach_target.h>

#include "tuco/devices/cpu/tile-inl.h"

#ifndef TUCO_DEVICES_CPU_DEPTHWISE_F32_ONCE_
#define TUCO_DEVICES_CPU_DEPTHWISE_F32_ONCE_
namespace tuco::cpu {

constexpr int64_t kPositions = 12;         // outputs of a tile
constexpr int64_t kFewPixels = 4;          // that are too few for a tile of them
constexpr int64_t kTaps = 9;               // summed together in a gradient of weights
constexpr int64_t kGroupBytes = 24 << 10;  // of the source under a group of rows, in L1

}  // namespace tuco::cpu
#endif

HWY_BEFORE_NAMESPACE();
namespace tuco::cpu::HWY_NAMESPACE {
namespace {

// A rectangle of taps as a tile sees it: `along` of them lie in the direction of its positions, and
// `others` rows of those. Values from one to the next in the source and in the weights.
struct TileTaps {
  int64_t along, others;
  ptrdiff_t a_along, a_other, w_along, w_other;
};

// For lines l and positions p: c[l * c_line + p * c_step] = sum over taps (i, j)
// a[l * a_line + p * a_step + i * a_other + j * a_along] * w[i * w_other + j * w_along], through
// the epilogue. A position is a pixel, or, where tiles go over channels, a vector of them with
// weights and bias of its own.
struct DepthwiseOperands {
  const float* a;
  ptrdiff_t a_step, a_line;
  TileTaps taps;
  const float* w;
  float* c;
  ptrdiff_t c_step, c_line;
  int64_t lines;
  int64_t channels;  // of a vector, in tiles over pixels
  Epilogue<float> epilogue;
};

enum class Over { pixels, part_pixels, channels };  // part: of a vector

// A pointer for every third position, of which each serves three, as in tile-inl.h.
template <int N>
HWY_INLINE void point_to_thirds(const float* (&from)[N], const float* a, ptrdiff_t step) {
  TUCO_UNROLL
  for (int g = 0; g < N; ++g) {
    from[g] = a + 3 * g * step;
#if defined(__GNUC__)
    asm("" : "+r"(from[g]));
#endif
  }
}

// acc[p] += a[p * step] * w, for the positions of a tile; w is shared, or one for each.
template <int P, Over over>
HWY_INLINE void add_tap(VecF (&acc)[P], const float* a, ptrdiff_t step, const float* w,
                        int64_t count) {
  constexpr bool own = over == Over::channels;
  const VecF shared = load(w);
  const float* from[(P + 2) / 3];
  point_to_thirds(from, a, step);
  TUCO_UNROLL
  for (int p = 0; p < P; ++p)
    acc[p] = hn::MulAdd(load_first(from[p / 3] + p % 3 * step, count),
                        own ? load(w + p * kLanes) : shared, acc[p]);
}

// acc[p] += sum over j < 3 of a[(p + j) * step] * w[j * w_along]: each a is loaded once.
template <int P>
HWY_INLINE void add_three_taps(VecF (&acc)[P], const float* a, ptrdiff_t step, const float* w,
                               ptrdiff_t w_along, int64_t count) {
  const VecF w0 = load(w), w1 = load(w + w_along), w2 = load(w + 2 * w_along);
  const float* from[(P + 4) / 3];
  point_to_thirds(from, a, step);
  TUCO_UNROLL
  for (int p = 0; p < P + 2; ++p) {
    const VecF x = load_first(from[p / 3] + p % 3 * step, count);
    if (p < P) acc[p] = hn::MulAdd(x, w0, acc[p]);
    if (p > 0 && p <= P) acc[p - 1] = hn::MulAdd(x, w1, acc[p - 1]);
    if (p > 1) acc[p - 2] = hn::MulAdd(x, w2, acc[p - 2]);
  }
}

template <int P, Over over>
void depthwise_tile(const DepthwiseOperands& t) {
  constexpr bool own = over == Over::channels;
  const int64_t count = over == Over::part_pixels ? t.channels : kLanes;
  const Epilogue<float>& e = t.epilogue;
  const bool clamps = e.clamps();
  const VecF low = splat(e.low), high = splat(e.high);
  const ptrdiff_t step = own ? kLanes : t.a_step, c_step = own ? kLanes : t.c_step;
  const TileTaps taps = t.taps;
  const bool slides = !own && taps.a_along == step;  // a tap further is a position further
  const float *a = t.a, *addend = e.addend;
  float* c = t.c;
  for (int64_t line = 0; line < t.lines; ++line, a += t.a_line, c += t.c_line) {
    VecF acc[P];
    TUCO_UNROLL
    for (int p = 0; p < P; ++p)
      acc[p] = e.bias ? load_first(e.bias + (own ? p * kLanes : 0), count) : zero();
    for (int64_t i = 0; i < taps.others; ++i) {
      const float *from = a + i * taps.a_other, *w = t.w + i * taps.w_other;
      int64_t j = 0;
      if constexpr (!own)
        for (; slides && j + 3 <= taps.along; j += 3)
          add_three_taps<P>(acc, from + j * step, step, w + j * taps.w_along, taps.w_along, count);
      for (; j < taps.along; ++j)
        add_tap<P, over>(acc, from + j * taps.a_along, step, w + j * taps.w_along, count);
    }
    if (addend) {
      TUCO_UNROLL
      for (int p = 0; p < P; ++p) acc[p] = hn::Add(acc[p], load_first(addend + p * c_step, count));
      addend += t.c_line;
    }
    if (clamps) {
      TUCO_UNROLL
      for (int p = 0; p < P; ++p) acc[p] = clamp(acc[p], low, high);
    }
    TUCO_UNROLL
    for (int p = 0; p < P; ++p) store_first(acc[p], c + p * c_step, count);
  }
}

// A tap of a gradient of weights: where it reads, and its sum.
struct SumTap {
  ptrdiff_t offset;
  float* sum;
};

// For taps i: sum of i += sum over lines l and k < length of
// a[l * a_line + k * a_step + offset of i] * b[l * b_line + k * b_step], from `channel` on.
struct TapSumOperands {
  const float* a;
  ptrdiff_t a_step, a_line;
  const float* b;
  ptrdiff_t b_step, b_line;
  int64_t lines, length;
  const SumTap* taps;
  int64_t channel, channels;  // of this vector
};

template <int N, bool whole>
void tap_sum(const TapSumOperands& t) {
  const int64_t count = whole ? kLanes : t.channels;
  VecF acc[N];
  ptrdiff_t offsets[N];
  TUCO_UNROLL
  for (int i = 0; i < N; ++i) {
    acc[i] = load(t.taps[i].sum + t.channel);
    offsets[i] = t.taps[i].offset + t.channel;
  }
  for (int64_t line = 0; line < t.lines; ++line) {
    const float *a = t.a + line * t.a_line, *b = t.b + line * t.b_line + t.channel;
    for (int64_t k = 0; k < t.length; ++k, a += t.a_step, b += t.b_step) {
      const VecF bv = load_first(b, count);
      TUCO_UNROLL
      for (int i = 0; i < N; ++i)
        acc[i] = hn::MulAdd(load_first(a + offsets[i], count), bv, acc[i]);
    }
  }
  TUCO_UNROLL
  for (int i = 0; i < N; ++i) store(acc[i], t.taps[i].sum + t.channel);
}

using DepthwiseTile = void (*)(const DepthwiseOperands&);
using TapSum = void (*)(const TapSumOperands&);

template <Over over, int... P>
constexpr std::array<DepthwiseTile, sizeof...(P)> depthwise_tiles(
    std::integer_sequence<int, P...>) {
  return {depthwise_tile<P + 1, over>...};
}
template <bool whole, int... N>
constexpr std::array<TapSum, sizeof...(N)> tap_sums(std::integer_sequence<int, N...>) {
  return {tap_sum<N + 1, whole>...};
}

void run_tile(Over over, int64_t positions, const DepthwiseOperands& t) {
  using Positions = std::make_integer_sequence<int, kPositions>;
  static constexpr auto pixels = depthwise_tiles<Over::pixels>(Positions()),
                        part_pixels = depthwise_tiles<Over::part_pixels>(Positions()),
                        channels = depthwise_tiles<Over::channels>(Positions());
  const auto& tiles = over == Over::pixels     ? pixels
                      : over == Over::channels ? channels
                                               : part_pixels;
  tiles[static_cast<size_t>(positions - 1)](t);
}

void run_sum(int64_t taps, const TapSumOperands& t) {
  using Counts = std::make_integer_sequence<int, kTaps>;
  static constexpr auto whole = tap_sums<true>(Counts()), part = tap_sums<false>(Counts());
  (t.channels >= kLanes ? whole : part)[static_cast<size_t>(taps - 1)](t);
}

/// How many neighbouring pixels a vector holds, where one has so few channels that they fit.
int64_t pixels_in_vector(const Correlation& c, int64_t channels) {
  const int64_t pixels = kLanes / channels;
  const bool fits = pixels > 1 && kLanes % channels == 0 && c.cols >= pixels;
  return fits && c.src_c == channels && c.dst_pixel == channels && c.step.w == 1 ? pixels : 1;
}

/// Some neighbouring outputs of one region: where their first tap reads, and where they lie.
struct Block {
  const float* a;
  ptrdiff_t out;
  int64_t lines, cols;
  int64_t tap, tap_rows, tap_cols;  // as of a Region
  int64_t fold;                     // pixels in a vector
};

/// What a correlation reads, and how it is cut: images in place, or, where a channel has several
/// outputs, strips that repeat it and have a border of zeros.
struct Source {
  const Correlation& c;
  StripLayout strips;
  bool in_images;
  int64_t fold;            // pixels in a vector, where there are enough
  ptrdiff_t pixel, pitch;  // values from a pixel, and from a row, to the next
  Regions regions;
  int64_t groups, rows;  // groups of so many rows in each image

  Source(const Correlation& correlation, int64_t channels, Scratch& memory)
      : c(correlation),
        strips(c, channels / c.src_c),
        in_images(strips.repeat == 1),
        fold(pixels_in_vector(c, channels)),
        pixel(strips.pixel),
        pitch(in_images ? c.src_w * c.src_c : strips.pitch),
        regions(in_images ? image_regions(c, memory) : bordered_region(c, pixel, pitch, memory)) {
    const int64_t fit = kGroupBytes / std::max<int64_t>(1, pitch * 4);
    groups =
        divide_up(c.rows, std::clamp<int64_t>((fit - c.reach.h - 1) / c.step.h + 1, 1, c.rows));
    rows = divide_up(c.rows, groups);
  }

  int64_t units() const { return c.batch * groups; }
  int64_t strip_size() const { return in_images ? 0 : strips.size(rows); }

  /// visit(block) for all outputs of a group of rows: vectors of `fold` pixels, and what is left of
  /// a region's columns.
  template <class Visit>
  void for_each_block(int64_t unit, const float* src, float* strip, Visit&& visit) const {
    const int64_t n = unit / groups, row = unit % groups * rows, end = std::min(row + rows, c.rows);
    if (row >= end) return;
    const float* from =
        in_images ? src + n * c.src_h * pitch : strips.rows_of(src, n, row, end - row, strip);
    for (const Region& region : regions.list) {
      const int64_t first = std::max(row, region.row),
                    last = std::min(end, region.row + region.rows);
      if (first >= last) continue;
      const int64_t down = first - (in_images ? region.row : row);
      const int64_t folded = region.cols / fold * fold;
      const auto part = [&](int64_t col, int64_t cols, int64_t pixels) {
        if (cols == 0) return;
        visit(Block{
            from + region.start + down * c.step.h * pitch + col * c.step.w * pixel,
            c.dst_first + n * c.dst_image + first * c.dst_row + (region.col + col) * c.dst_pixel,
            last - first, cols / pixels, region.tap, region.tap_rows, region.tap_cols, pixels});
      };
      part(0, folded, fold);
      part(folded, region.cols - folded, 1);
    }
  }
};

/// Outputs of a block, `channels` wide, by weights [tap][w_row].
void compute_block(const Source& source, const Block& block, int64_t channels, const float* w,
                   int64_t w_row, const Epilogue<float>& epilogue, float* dst) {
  const Correlation& c = source.c;
  const Regions& regions = source.regions;
  const int64_t wide = block.fold * channels;
  // Positions are taken along the longer side, which mostly is a row.
  struct Side {
    int64_t count;
    ptrdiff_t a, out;
    int64_t taps;
    ptrdiff_t tap_a, tap_w;
  };
  Side along{block.cols,
             block.fold * c.step.w * source.pixel,
             block.fold * c.dst_pixel,
             block.tap_cols,
             regions.tap_pixel,
             w_row};
  Side across{block.lines,    c.step.h * source.pitch, c.dst_row,
              block.tap_rows, regions.tap_pitch,       regions.taps_in_row * w_row};
  if (across.count > along.count) std::swap(along, across);
  DepthwiseOperands t{};
  t.taps = {along.taps, across.taps, along.tap_a, across.tap_a, along.tap_w, across.tap_w};
  t.a_line = across.a;
  t.c_line = across.out;
  t.lines = across.count;
  const auto run = [&](Over over, int64_t positions, int64_t step, int64_t channel) {
    const ptrdiff_t out = block.out + step * along.out + channel;
    t.a = block.a + step * along.a + channel;
    t.w = w + block.tap * w_row + channel;
    t.c = dst + out;
    t.epilogue = epilogue.at(out, channel);
    run_tile(over, positions, t);
  };
  if (along.count < kFewPixels && wide % kLanes == 0) {
    const int64_t vectors = wide / kLanes;
    for (int64_t step = 0; step < along.count; ++step)
      for (int64_t v = 0; v < vectors; v += kPositions)
        run(Over::channels, std::min(kPositions, vectors - v), step, v * kLanes);
    return;
  }
  t.a_step = along.a;
  t.c_step = along.out;
  const int64_t tiles = divide_up(along.count, kPositions),
                positions = divide_up(along.count, tiles);
  for (int64_t channel = 0; channel < wide; channel += kLanes) {
    t.channels = wide - channel;
    for (int64_t step = 0; step < along.count; step += positions)  // the last tile overlaps
      run(t.channels >= kLanes ? Over::pixels : Over::part_pixels, positions,
          std::min(step, along.count - positions), channel);
  }
}

/// Adds a block's products of sources and gradients to sums [tap][sum_row]. `list` has room for all
/// taps.
void add_block(const Source& source, const Block& block, int64_t channels, const float* dy,
               float* sums, int64_t sum_row, SumTap* list) {
  const Correlation& c = source.c;
  const Regions& regions = source.regions;
  const int64_t wide = block.fold * channels, taps = block.tap_rows * block.tap_cols;
  for (int64_t i = 0, tap = 0; i < block.tap_rows; ++i)
    for (int64_t j = 0; j < block.tap_cols; ++j, ++tap)
      list[tap] = {i * regions.tap_pitch + j * regions.tap_pixel,
                   sums + (block.tap + i * regions.taps_in_row + j) * sum_row};
  TapSumOperands t{};
  t.a = block.a;
  t.a_step = block.fold * c.step.w * source.pixel;
  t.a_line = c.step.h * source.pitch;
  t.b = dy + block.out;
  t.b_step = block.fold * c.dst_pixel;
  t.b_line = c.dst_row;
  t.lines = block.lines;
  t.length = block.cols;
  if (t.lines > t.length) {
    std::swap(t.a_step, t.a_line);
    std::swap(t.b_step, t.b_line);
    std::swap(t.lines, t.length);
  }
  for (t.channel = 0; t.channel < wide; t.channel += kLanes) {
    t.channels = wide - t.channel;
    for (int64_t tap = 0; tap < taps; tap += kTaps) {
      t.taps = list + tap;
      run_sum(std::min(kTaps, taps - tap), t);
    }
  }
}

void depthwise_rows(const Correlation& c, int64_t channels, int64_t cells, const float* src,
                    const float* w, const Epilogue<float>& epilogue, float* dst,
                    const PackedForms* forms) {
  Scratch shared;
  const Source source(c, channels, shared);
  const auto taps = std::ssize(c.taps);
  const int64_t wide = source.fold * channels, padded = divide_up(wide, kLanes) * kLanes;
  const Form form = source.fold > 1 ? Form::depthwise_folded : Form::depthwise;
  // [tap][channel], as often as a vector holds pixels
  const float* packed = packed_form(forms, form, taps * padded, shared, [&](float* made) {
    for (int64_t t = 0; t < taps; ++t)
      for (int64_t o = 0; o < padded; ++o)
        made[t * padded + o] = o < wide ? w[o % channels * cells + c.taps[t].cell] : 0;
  });
  Epilogue<float> ending = epilogue;
  if (source.fold > 1 && epilogue.bias) {
    float* bias = shared.get<float>(wide);
    for (int64_t o = 0; o < wide; ++o) bias[o] = epilogue.bias[o % channels];
    ending.bias = bias;
  }
  parallel_for(0, source.units(), 1 + (1 << 16) / (source.rows * c.cols * channels * (taps + 1)),
               [&](int64_t begin, int64_t end) {
                 Scratch scratch;
                 float* strip = scratch.get<float>(source.strip_size());
                 for (int64_t unit = begin; unit < end; ++unit)
                   source.for_each_block(unit, src, strip, [&](const Block& block) {
                     compute_block(source, block, channels, packed, padded, ending, dst);
                   });
               });
}

void depthwise_sums(const Correlation& c, int64_t channels, const float* x, const float* dy,
                    float* dw) {
  Scratch shared;
  const Source source(c, channels, shared);
  const auto taps = std::ssize(c.taps);
  const int64_t wide = source.fold * channels, padded = divide_up(wide, kLanes) * kLanes;
  const int64_t size = taps * padded, units = source.units();
  const int64_t parts = std::min<int64_t>(num_threads(), units);
  float* sums = shared.get<float>(parts * size);  // [part][tap][channel]
  std::fill_n(sums, parts * size, 0.0f);
  parallel_for(0, parts, 1, [&](int64_t begin, int64_t end) {
    Scratch scratch;
    float* strip = scratch.get<float>(source.strip_size());
    auto* list = scratch.get<SumTap>(taps);
    for (int64_t part = begin; part < end; ++part)
      for (int64_t unit = units * part / parts; unit < units * (part + 1) / parts; ++unit)
        source.for_each_block(unit, x, strip, [&](const Block& block) {
          add_block(source, block, channels, dy, sums + part * size, padded, list);
        });
  });
  for (int64_t o = 0; o < channels; ++o)
    for (int64_t t = 0; t < taps; ++t) {
      float sum = 0;
      for (int64_t part = 0; part < parts; ++part)
        for (int64_t pixel = 0; pixel < source.fold; ++pixel)
          sum += sums[part * size + t * padded + pixel * channels + o];
      dw[o * taps + t] = sum;
    }
}

}  // namespace
}  // namespace tuco::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tuco::cpu {

HWY_EXPORT(depthwise_rows);
HWY_EXPORT(depthwise_sums);

void depthwise_correlate(const Correlation& c, int64_t channels, int64_t cells, const float* src,
                         const float* w, const Epilogue<float>& epilogue, float* dst,
                         const PackedForms* forms) {
  TUCO_DISPATCH(depthwise_rows)(c, channels, cells, src, w, epilogue, dst, forms);
}

void depthwise_grad_weight(const Correlation& forward, int64_t channels, const float* x,
                           const float* dy, float* dw) {
  TUCO_DISPATCH(depthwise_sums)(forward, channels, x, dy, dw);
}

}  // namespace tuco::cpu
#endif
