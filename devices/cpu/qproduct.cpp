// Convolution and products on int8 as one register tile: pixels by output channels, summed over
// runs of input elements that lie together. Images are copied into strips of elements with their
// padding, so that a window is a few such runs wherever it lies. docs/kernels.md, "int8".
#define HWY_WANT_AVX3_DL
#include "tuco/devices/cpu/qproduct.h"

#include "tuco/core/parallel.h"
#include "tuco/devices/cpu/highway_targets.h"
#include "tuco/devices/cpu/scratch.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tuco/devices/cpu/qproduct.cpp"
#include <hwy/foreach_target.h>

#include "tuco/devices/cpu/qtile-inl.h"

#ifndef TUCO_DEVICES_CPU_QPRODUCT_ONCE_
#define TUCO_DEVICES_CPU_QPRODUCT_ONCE_
namespace tuco::cpu {

constexpr int64_t kStripBytes = 48 << 10;        // of elements at a time, if one row is not more
constexpr int64_t kProductsPerThread = 1 << 20;  // that are worth a thread of their own
constexpr int64_t kSlack = 64;                   // elements that may be read behind a strip

}  // namespace tuco::cpu
#endif

HWY_BEFORE_NAMESPACE();
namespace tuco::cpu::HWY_NAMESPACE {
namespace {

using TileFunction = void (*)(const QTile&);

/// Rows of images as elements, with the padding around them.
struct StripRows {
  const WindowGeometry& g;
  int32_t zero_point;
  int64_t pitch;  // elements from row to row

  StripRows(const WindowGeometry& geometry, int32_t zero)
      : g(geometry),
        zero_point(zero),
        pitch((g.in_w + g.padding.left + g.padding.right) * g.in_c) {}

  int64_t reach() const { return (g.kernel.h - 1) * g.dilation.h + 1; }
  int64_t rows_for(int64_t out_rows) const { return (out_rows - 1) * g.stride.h + reach(); }

  /// The rows under output rows [first, first + count) of an image.
  void fill(const int8_t* image, int64_t first, int64_t count, Element* strip) const {
    const int64_t left = g.padding.left * g.in_c, row_size = g.in_w * g.in_c;
    const int64_t start = first * g.stride.h - g.padding.top;
    const int64_t rows = rows_for(count);
    if (left == 0 && g.padding.right == 0 && g.stride.h == 1 && start >= 0 &&
        start + rows <= g.in_h)
      return to_elements(image + start * row_size, rows * row_size, zero_point, strip);
    for (int64_t r = 0; r < rows; ++r) {
      if (r % g.stride.h >= reach()) continue;  // between the windows
      Element* to = strip + r * pitch;
      const int64_t row = start + r;
      if (row < 0 || row >= g.in_h) {
        pad_elements(pitch, zero_point, to);
        continue;
      }
      pad_elements(left, zero_point, to);
      to_elements(image + row * row_size, row_size, zero_point, to + left);
      pad_elements(pitch - left - row_size, zero_point, to + left + row_size);
    }
  }
};

/// The tile for `rows` = kMaxSums (of one vector), kMaxRows, 4 or 1 pixels.
TileFunction find_tile(int64_t rows, int64_t vectors) {
  if (rows == 1) return vectors == 1 ? tile<1, 1> : tile<1, kPair>;
  if (rows == 4) return vectors == 1 ? tile<4, 1> : tile<4, kPair>;
#if HWY_TARGET != HWY_SCALAR
  if (rows == kMaxSums) return tile<kMaxSums, 1, kNeighbours>;
#endif
  return vectors == 1 ? tile<kMaxRows, 1> : tile<kMaxRows, kPair>;
}

/// What a tile of a panel has whatever its pixels.
void set_panel(const QPacked& packed, int64_t panel, const LinearAddition* addition, QTile& t) {
  t.runs = packed.runs;
  t.run_bytes = (packed.length + kGroup - 1) / kGroup * 4;
  t.weights = packed.weights.as<int32_t>() + panel * static_cast<int64_t>(packed.weight_bytes / 4);
  t.constants = &packed.constants[panel];
  t.addition = addition;
}

/// Output rows [first, first + count) of an image, panels [panel, last_panel), from their strip.
/// `added` is the addend's part that y is of the output, if something is added.
void convolve_block(const WindowGeometry& g, const QPacked& packed, const StripRows& rows,
                    const Element* strip, const ptrdiff_t* offsets, int64_t count, int64_t panel,
                    int64_t last_panel, const LinearAddition* addition, const int8_t* added,
                    int8_t* y) {
  const int64_t group_out = packed.product.out / packed.product.groups,
                group_panels = packed.count / packed.product.groups;
  const int64_t pixels = count * g.out_w, column = g.stride.w * g.in_c,
                row_step = g.stride.h * rows.pitch;
  for (; panel < last_panel; ++panel) {
    const int64_t group = panel / group_panels, first = panel % group_panels * packed.width;
    const int64_t channels = std::min(packed.width, group_out - first);
    const int64_t vectors = channels > kLanes ? kPair : 1;
    QTile t;
    set_panel(packed, panel, addition, t);
    t.column = column * static_cast<ptrdiff_t>(sizeof(Element));
    t.offsets = offsets;
    t.y_row = g.out_c;
    t.channels = channels;
    // One vector has a broadcast for each dot product: many pixels share its weights.
    const bool wide =
        kMaxSums > kMaxRows && vectors == 1 && g.out_w % kNeighbours == 0 && pixels >= kMaxSums;
    const Element* base = strip + group * packed.product.depth;
    int64_t row = 0, ox = 0;  // of pixel i
    for (int64_t i = 0; i < pixels;) {
      const int64_t rest = pixels - i;
      const int64_t size = wide && rest > kMaxRows                                ? kMaxSums
                           : rest >= kMaxRows || (rest > 4 && pixels >= kMaxRows) ? kMaxRows
                           : rest > 1 && pixels >= 4                              ? 4
                                                                                  : 1;
      if (i > pixels - size) {  // the last tile overlaps the one before
        i = pixels - size;
        row = i / g.out_w, ox = i % g.out_w;
      }
      const int64_t shared = size > kMaxRows ? kNeighbours : 1;
      const Element* at = base + row * row_step + ox * column;
      for (int64_t k = 0; k < size / shared; ++k) {
        t.pixels[k] = at;
        at += shared * column;
        if ((ox += shared) == g.out_w) {
          ox = 0;
          at = base + ++row * row_step;
        }
      }
      const int64_t place = i * g.out_c + group * group_out + first;
      t.y = y + place;
      if (addition) t.added = added + place;
      find_tile(size, vectors)(t);
      i += size;
    }
  }
}

/// A linear layer of one row, or what is the same.
bool is_one_row(const WindowGeometry& g, const QPacked& packed) {
  return g.batch * g.in_h * g.in_w * g.out_h * g.out_w == 1 && packed.runs == 1 &&
         packed.product.groups == 1 && g.padding.top == 0 && g.padding.left == 0;
}

/// Nothing is shared by pixels then, and little done for each panel: several of them at a time.
void multiply_row(const QPacked& packed, const int8_t* x, const LinearAddition* addition,
                  const int8_t* added, int8_t* y) {
  constexpr int64_t kMany = 4;
  const ptrdiff_t offset = 0;
  Scratch scratch;
  auto* elements = scratch.get<Element>(packed.length + kSlack);
  to_elements(x, packed.length, packed.product.in_zero_point, elements);
  const auto some_panels = [&](int64_t panel, int64_t last) {
    while (panel < last) {
      const int64_t count = std::min(kMany, last - panel);
      QTile tiles[kMany];
      for (int64_t i = 0; i < count; ++i) {
        const int64_t first = (panel + i) * packed.width;
        set_panel(packed, panel + i, addition, tiles[i]);
        tiles[i].pixels[0] = elements;
        tiles[i].offsets = &offset;
        tiles[i].channels = std::min(packed.width, packed.product.out - first);
        tiles[i].y = y + first;
        if (addition) tiles[i].added = added + first;
      }
      if (count == kMany && tiles[kMany - 1].channels > kLanes)
        tiles_of_pixel<kMany>(tiles);
      else
        for (int64_t i = 0; i < count; ++i)
          find_tile(1, tiles[i].channels > kLanes ? kPair : 1)(tiles[i]);
      panel += count;
    }
  };
  const int64_t grain = 1 + kProductsPerThread / (packed.length * packed.width + 1);
  if (packed.count <= grain) return some_panels(0, packed.count);  // without a call
  parallel_for(0, packed.count, grain, some_panels);
}

void convolve_panels(const WindowGeometry& g, const QPacked& packed, const int8_t* x,
                     const int8_t* added, int8_t* y) {
  std::optional<LinearAddition> linear;
  if (packed.fused) linear.emplace(*packed.fused);
  const LinearAddition* addition = linear ? &*linear : nullptr;
  if (is_one_row(g, packed)) return multiply_row(packed, x, addition, added, y);
  const StripRows rows(g, packed.product.in_zero_point);
  const int64_t reach_rows = kStripBytes / (rows.pitch * static_cast<int64_t>(sizeof(Element)) + 1);
  const int64_t block =
      std::clamp<int64_t>((reach_rows - rows.reach()) / g.stride.h + 1, 1, g.out_h);
  const auto some_rows = [&](int64_t begin, int64_t end, int64_t panel, int64_t last_panel) {
    Scratch scratch;
    auto* strip =
        scratch.get<Element>(rows.rows_for(std::min(block, end - begin)) * rows.pitch + kSlack);
    auto* offsets = scratch.get<ptrdiff_t>(packed.runs);
    for (int64_t run = 0; run < packed.runs; ++run) {
      const int64_t across = packed.product.joined ? 1 : g.kernel.w;
      offsets[run] =
          (run / across * g.dilation.h * rows.pitch + run % across * g.dilation.w * g.in_c) *
          static_cast<ptrdiff_t>(sizeof(Element));
    }
    for (int64_t row = begin; row < end;) {
      const int64_t n = row / g.out_h, first = row % g.out_h;
      const int64_t count = std::min({block, g.out_h - first, end - row});
      rows.fill(x + n * g.in_h * g.in_w * g.in_c, first, count, strip);
      const int64_t place = row * g.out_w * g.out_c;
      convolve_block(g, packed, rows, strip, offsets, count, panel, last_panel, addition,
                     added + (addition ? place : 0), y + place);
      row += count;
    }
  };
  const int64_t all_rows = g.batch * g.out_h;
  const int64_t row_products = g.out_w * g.out_c * packed.runs * packed.length;
  if (all_rows >= 2 * num_threads() || packed.count < num_threads())
    parallel_for(0, all_rows, 1 + kProductsPerThread / (row_products + 1),
                 [&](int64_t begin, int64_t end) { some_rows(begin, end, 0, packed.count); });
  else
    parallel_for(0, packed.count,
                 1 + kProductsPerThread * packed.count / (row_products * all_rows + 1),
                 [&](int64_t begin, int64_t end) { some_rows(0, all_rows, begin, end); });
}

void pack_panels(const QProduct& p, QPacked& packed) {
  packed.runs = p.joined ? p.kernel.h : p.taps();
  packed.length = p.joined ? p.kernel.w * p.depth : p.depth;
  const int64_t group_out = p.out / p.groups;
  packed.width = group_out > kLanes ? kPair * kLanes : kLanes;
  const int64_t group_panels = (group_out + packed.width - 1) / packed.width;
  packed.count = group_panels * p.groups;
  const int64_t words = packed.runs * ((packed.length + kGroup - 1) / kGroup);
  packed.weight_bytes = static_cast<size_t>(words * packed.width * 4);
  allocate(packed);
  const auto one = lane_order<1>();
  const auto two = lane_order<kPair>();
  for (int64_t panel = 0; panel < packed.count; ++panel) {
    const int64_t first = panel % group_panels * packed.width;
    const int64_t channels = std::min(packed.width, group_out - first);
    const int64_t panel_lanes = channels > kLanes ? kPair * kLanes : kLanes;
    auto* to = packed.weights.as<Weight>() +
               panel * static_cast<int64_t>(packed.weight_bytes / sizeof(Weight));
    for (int64_t place = 0; place < channels; ++place) {
      const int64_t lane = panel_lanes == kLanes ? one[place] : two[place];
      const int64_t channel = panel / group_panels * group_out + first + place;
      set_lane(p, channel, weight_correction(p.in_zero_point), packed, panel, lane);
      const int8_t* from = p.weight + channel * packed.runs * packed.length;
      for (int64_t run = 0; run < packed.runs; ++run)
        for (int64_t k = 0; k < packed.length; ++k) {
          const int64_t word = run * ((packed.length + kGroup - 1) / kGroup) + k / kGroup;
          to[(word * panel_lanes + lane) * kGroup + k % kGroup] = from[run * packed.length + k];
        }
    }
  }
}

}  // namespace
}  // namespace tuco::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tuco::cpu {

HWY_EXPORT(convolve_panels);
HWY_EXPORT(pack_panels);

void pack_panels(const QProduct& product, QPacked& packed) {
  TUCO_DISPATCH(pack_panels)(product, packed);
}
void convolve_panels(const WindowGeometry& g, const QPacked& packed, const int8_t* x,
                     const int8_t* added, int8_t* y) {
  TUCO_DISPATCH(convolve_panels)(g, packed, x, added, y);
}

}  // namespace tuco::cpu
#endif
