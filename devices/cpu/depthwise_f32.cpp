// Depthwise convolution in float32. An output row is computed a vector of channels at a time, some
// pixels in registers together; the gradient of the weights keeps some taps in registers while it
// passes over a strip.
#include "tuco/core/parallel.h"
#include "tuco/devices/cpu/depthwise.h"
#include "tuco/devices/cpu/highway_targets.h"
#include "tuco/devices/cpu/scratch.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tuco/devices/cpu/depthwise_f32.cpp"
#include <hwy/foreach_target.h>

#include "tuco/devices/cpu/tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace tuco::cpu::HWY_NAMESPACE {

constexpr int64_t kPixels = 8;             // of a tile
constexpr int64_t kTaps = 5;               // summed together in a gradient of weights
constexpr int64_t kStripBytes = 32 << 10;  // beside the weights in L1

// For pixels p: c[p] = sum over taps a[p * a_step + offsets[tap]] * w[tap], through the epilogue.
struct DepthwiseOperands {
  const float* a;
  ptrdiff_t a_step;
  const ptrdiff_t* offsets;
  int64_t taps;
  const float* w;
  ptrdiff_t w_row;
  float* c;
  ptrdiff_t c_step;
  int64_t channels;  // of this vector
  Epilogue<float> epilogue;
};

template <int P>
void depthwise_tile(const DepthwiseOperands& t) {
  VecF acc[P];
  const Epilogue<float>& e = t.epilogue;
  const VecF init = e.bias ? load_first(e.bias, t.channels) : zero();
  TUCO_UNROLL
  for (int p = 0; p < P; ++p) acc[p] = init;
  const float* w = t.w;
  for (int64_t i = 0; i < t.taps; ++i, w += t.w_row) {
    const float* a = t.a + t.offsets[i];
    const VecF wv = load(w);
    TUCO_UNROLL
    for (int p = 0; p < P; ++p) acc[p] = hn::MulAdd(load(a + p * t.a_step), wv, acc[p]);
  }
  if (e.addend) {
    TUCO_UNROLL
    for (int p = 0; p < P; ++p)
      acc[p] = hn::Add(acc[p], load_first(e.addend + p * t.c_step, t.channels));
  }
  if (e.clamps()) {
    const VecF low = splat(e.low), high = splat(e.high);
    TUCO_UNROLL
    for (int p = 0; p < P; ++p) acc[p] = clamp(acc[p], low, high);
  }
  TUCO_UNROLL
  for (int p = 0; p < P; ++p) store_first(acc[p], t.c + p * t.c_step, t.channels);
}

// For taps i: sum[i] += sum over rows r and k < length of a[rows[r] + k * a_step + taps[i]] *
// b[r * b_run + k * b_step].
struct TapSumOperands {
  const float* a;
  ptrdiff_t a_step;
  const ptrdiff_t *rows, *taps;
  int64_t row_count, length;
  const float* b;
  ptrdiff_t b_step, b_run;
  float* sum;
  ptrdiff_t sum_row;
  int64_t channels;  // of this vector
};

template <int N>
void tap_sum(const TapSumOperands& t) {
  VecF acc[N];
  TUCO_UNROLL
  for (int i = 0; i < N; ++i) acc[i] = load(t.sum + i * t.sum_row);
  ptrdiff_t taps[N];
  for (int i = 0; i < N; ++i) taps[i] = t.taps[i];
  for (int64_t r = 0; r < t.row_count; ++r) {
    const float *a = t.a + t.rows[r], *b = t.b + r * t.b_run;
    for (int64_t k = 0; k < t.length; ++k, a += t.a_step, b += t.b_step) {
      const VecF bv = load_first(b, t.channels);
      TUCO_UNROLL
      for (int i = 0; i < N; ++i) acc[i] = hn::MulAdd(load(a + taps[i]), bv, acc[i]);
    }
  }
  TUCO_UNROLL
  for (int i = 0; i < N; ++i) store(acc[i], t.sum + i * t.sum_row);
}

using DepthwiseTile = void (*)(const DepthwiseOperands&);
using TapSum = void (*)(const TapSumOperands&);
constexpr DepthwiseTile kDepthwiseTiles[] = {
    depthwise_tile<1>, depthwise_tile<2>, depthwise_tile<3>, depthwise_tile<4>,
    depthwise_tile<5>, depthwise_tile<6>, depthwise_tile<7>, depthwise_tile<kPixels>};
constexpr TapSum kTapSums[] = {tap_sum<1>, tap_sum<2>, tap_sum<3>, tap_sum<4>, tap_sum<kTaps>};

std::pmr::vector<ptrdiff_t> tap_offsets(const StripLayout& layout, Scratch& memory) {
  std::pmr::vector<ptrdiff_t> offsets(&memory);
  offsets.reserve(layout.c.taps.size());
  for (const Tap& tap : layout.c.taps) offsets.push_back(layout.offset(tap));
  return offsets;
}

// Whole vectors are loaded from the source: one that ends within a vector needs a strip, which has
// room behind.
StripLayout layout_for(const Correlation& c, int64_t channels) {
  return StripLayout(c, channels / c.src_c, channels % kLanes != 0);
}

// How many neighbouring pixels a vector holds, where one has so few channels that they fit.
int64_t pixels_in_vector(const Correlation& c, int64_t channels) {
  const int64_t pixels = kLanes / channels;
  const bool fits = pixels > 1 && kLanes % channels == 0 && c.cols % pixels == 0;
  return fits && c.src_c == channels && c.dst_pixel == channels && c.step.w == 1 ? pixels : 1;
}

void depthwise_rows(const Correlation& c, int64_t channels, int64_t cells, const float* src,
                    const float* w, const Epilogue<float>& epilogue, float* dst,
                    const PackedForms* forms) {
  Scratch shared;
  const StripLayout layout = layout_for(c, channels);
  const auto offsets = tap_offsets(layout, shared);
  const auto taps = static_cast<int64_t>(offsets.size());
  // From here on, `fold` pixels are one of so many times the channels.
  const int64_t fold = pixels_in_vector(c, channels), wide = fold * channels, cols = c.cols / fold;
  const int64_t padded = divide_up(wide, kLanes) * kLanes;
  const Form form = fold > 1 ? Form::depthwise_folded : Form::depthwise;
  // [tap][channel]
  const float* packed = packed_form(forms, form, taps * padded, shared, [&](float* made) {
    for (int64_t t = 0; t < taps; ++t)
      for (int64_t o = 0; o < padded; ++o)
        made[t * padded + o] = o < wide ? w[o % channels * cells + c.taps[t].cell] : 0;
  });
  Epilogue<float> ending = epilogue;
  if (fold > 1 && epilogue.bias) {
    float* bias = shared.get<float>(wide);
    for (int64_t o = 0; o < wide; ++o) bias[o] = epilogue.bias[o % channels];
    ending.bias = bias;
  }

  const int64_t tiles = divide_up(cols, kPixels), pixels = divide_up(cols, tiles);
  const int64_t strip_rows = layout.rows_within(kStripBytes);
  const int64_t strips = divide_up(c.rows, strip_rows);
  const auto strip_of = [&](int64_t n, int64_t row, int64_t count, float* strip) {
    const float* from = layout.rows_of(src, n, row, count, strip);
    DepthwiseOperands t{};
    t.a_step = c.step.w * layout.pixel * fold;
    t.offsets = offsets.data();
    t.taps = taps;
    t.w_row = padded;
    t.c_step = c.dst_pixel * fold;
    for (int64_t i = 0; i < count; ++i) {
      const float* a = from + i * c.step.h * layout.pitch;
      const ptrdiff_t out = c.dst_first + n * c.dst_image + (row + i) * c.dst_row;
      for (int64_t o = 0; o < wide; o += kLanes) {
        t.w = packed + o;
        t.channels = wide - o;
        for (int64_t j = 0; j < cols; j += pixels) {
          const int64_t first = std::min(j, cols - pixels);  // the last one overlaps
          t.a = a + first * t.a_step + o;
          const ptrdiff_t at = out + first * t.c_step + o;
          t.c = dst + at;
          t.epilogue = ending.at(at, o);
          kDepthwiseTiles[pixels - 1](t);
        }
      }
    }
  };
  parallel_for(0, c.batch * strips, 1 + (1 << 16) / (strip_rows * c.cols * channels * (taps + 1)),
               [&](int64_t begin, int64_t end) {
                 Scratch scratch;
                 float* strip = scratch.get<float>(layout.size(strip_rows));
                 for (int64_t i = begin; i < end; ++i) {
                   const int64_t row = i % strips * strip_rows;
                   strip_of(i / strips, row, std::min(strip_rows, c.rows - row), strip);
                 }
               });
}

void depthwise_sums(const Correlation& c, int64_t channels, const float* x, const float* dy,
                    float* dw) {
  Scratch shared;
  const StripLayout layout = layout_for(c, channels);
  const auto offsets = tap_offsets(layout, shared);
  const auto taps = static_cast<int64_t>(offsets.size());
  const int64_t fold = pixels_in_vector(c, channels), wide = fold * channels;
  const int64_t padded = divide_up(wide, kLanes) * kLanes, size = taps * padded;
  const int64_t strip_rows = layout.rows_within(kStripBytes);
  const int64_t strips = divide_up(c.rows, strip_rows), units = c.batch * strips;
  const int64_t parts = std::min<int64_t>(num_threads(), units);
  std::pmr::vector<ptrdiff_t> row_offsets(&shared);
  row_offsets.reserve(strip_rows);
  for (int64_t i = 0; i < strip_rows; ++i) row_offsets.push_back(i * c.step.h * layout.pitch);
  float* sums = shared.get<float>(parts * size);  // [part][tap][channel]
  std::fill_n(sums, parts * size, 0.0f);

  const auto add_strip = [&](int64_t unit, float* strip, float* sum) {
    const int64_t n = unit / strips, row = unit % strips * strip_rows;
    const int64_t count = std::min(strip_rows, c.rows - row);
    const float* from = layout.rows_of(x, n, row, count, strip);
    TapSumOperands t{};
    t.a_step = c.step.w * layout.pixel * fold;
    t.rows = row_offsets.data();
    t.row_count = count;
    t.length = c.cols / fold;
    t.b_step = c.dst_pixel * fold;
    t.b_run = c.dst_row;
    t.sum_row = padded;
    for (int64_t o = 0; o < wide; o += kLanes) {
      t.a = from + o;
      t.b = dy + n * c.dst_image + row * c.dst_row + o;
      t.channels = wide - o;
      for (int64_t tap = 0; tap < taps; tap += kTaps) {
        t.taps = offsets.data() + tap;
        t.sum = sum + tap * padded + o;
        kTapSums[std::min(kTaps, taps - tap) - 1](t);
      }
    }
  };
  parallel_for(0, parts, 1, [&](int64_t begin, int64_t end) {
    Scratch scratch;
    float* strip = scratch.get<float>(layout.size(strip_rows));
    for (int64_t part = begin; part < end; ++part)
      for (int64_t unit = units * part / parts; unit < units * (part + 1) / parts; ++unit)
        add_strip(unit, strip, sums + part * size);
  });
  for (int64_t o = 0; o < channels; ++o)
    for (int64_t t = 0; t < taps; ++t) {
      float sum = 0;
      for (int64_t part = 0; part < parts; ++part)
        for (int64_t pixel = 0; pixel < fold; ++pixel)
          sum += sums[part * size + t * padded + pixel * channels + o];
      dw[o * taps + t] = sum;
    }
}

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
