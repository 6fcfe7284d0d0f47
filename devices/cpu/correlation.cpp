#include "tuco/devices/cpu/correlation.h"

#include <algorithm>
#include <cstring>

namespace tuco::cpu {
namespace {

// Along one axis: the taps that reach the outputs of residue `phase`, nearest first.
struct AxisTap {
  int64_t at, cell;
};
std::pmr::vector<AxisTap> phase_taps(int64_t phase, int64_t kernel, int64_t stride,
                                     int64_t dilation, int64_t padding, Scratch& memory) {
  std::pmr::vector<AxisTap> taps(&memory);
  taps.reserve(kernel);
  for (int64_t a = kernel - 1; a >= 0; --a) {
    const int64_t from = phase + padding - a * dilation;
    if (from % stride == 0) taps.push_back({from / stride, a});
  }
  return taps;
}

int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

}  // namespace

Correlation forward_correlation(const WindowGeometry& g, Scratch& memory) {
  Correlation c{.batch = g.batch, .src_h = g.in_h, .src_w = g.in_w, .src_c = g.in_c,
                .groups = g.groups, .rows = g.out_h, .cols = g.out_w,
                .taps = std::pmr::vector<Tap>(&memory)};
  c.taps.reserve(g.kernel.h * g.kernel.w);
  c.origin = {-g.padding.top, -g.padding.left};
  c.step = g.stride;
  c.reach = {(g.kernel.h - 1) * g.dilation.h, (g.kernel.w - 1) * g.dilation.w};
  for (int64_t a = 0; a < g.kernel.h; ++a)
    for (int64_t b = 0; b < g.kernel.w; ++b)
      c.taps.push_back({a * g.dilation.h, b * g.dilation.w, a * g.kernel.w + b});
  c.dst_first = 0;
  c.dst_pixel = g.out_c;
  c.dst_row = g.out_w * c.dst_pixel;
  c.dst_image = g.out_h * c.dst_row;
  return c;
}

std::pmr::vector<Correlation> grad_input_correlations(const WindowGeometry& g, Scratch& memory) {
  std::pmr::vector<Correlation> phases(&memory);
  phases.reserve(g.stride.h * g.stride.w);
  for (int64_t h = 0; h < std::min(g.stride.h, g.in_h); ++h)
    for (int64_t w = 0; w < std::min(g.stride.w, g.in_w); ++w) {
      Correlation c{.batch = g.batch, .src_h = g.out_h, .src_w = g.out_w, .src_c = g.out_c,
                    .groups = g.groups, .rows = divide_up(g.in_h - h, g.stride.h),
                    .cols = divide_up(g.in_w - w, g.stride.w),
                    .taps = std::pmr::vector<Tap>(&memory)};
      const auto down = phase_taps(h, g.kernel.h, g.stride.h, g.dilation.h, g.padding.top, memory);
      const auto across =
          phase_taps(w, g.kernel.w, g.stride.w, g.dilation.w, g.padding.left, memory);
      c.taps.reserve(down.size() * across.size());
      if (!down.empty() && !across.empty()) {
        c.origin = {down.front().at, across.front().at};
        c.reach = {down.back().at - c.origin.h, across.back().at - c.origin.w};
        for (const AxisTap& a : down)
          for (const AxisTap& b : across)
            c.taps.push_back({a.at - c.origin.h, b.at - c.origin.w, a.cell * g.kernel.w + b.cell});
      }
      const ptrdiff_t row = g.in_w * g.in_c;
      c.dst_first = h * row + w * g.in_c;
      c.dst_pixel = g.stride.w * g.in_c;
      c.dst_row = g.stride.h * row;
      c.dst_image = g.in_h * row;
      phases.push_back(std::move(c));
    }
  return phases;
}

StripLayout::StripLayout(const Correlation& correlation, int64_t times)
    : c(correlation), repeat(times) {
  const int64_t last_h = c.origin.h + (c.rows - 1) * c.step.h + c.reach.h;
  const int64_t last_w = c.origin.w + (c.cols - 1) * c.step.w + c.reach.w;
  in_place = repeat == 1 && c.origin.h >= 0 && c.origin.w >= 0 && last_h < c.src_h &&
             last_w < c.src_w;
  width = in_place ? c.src_w : last_w - c.origin.w + 1;
  pixel = c.src_c * repeat;
  pitch = width * pixel;
}

int64_t StripLayout::size(int64_t count) const {
  return in_place ? 0 : ((count - 1) * c.step.h + c.reach.h + 1) * pitch;
}

int64_t StripLayout::rows_within(int64_t bytes) const {
  const int64_t fit = bytes / std::max<int64_t>(1, pitch * static_cast<int64_t>(sizeof(float)));
  return std::clamp<int64_t>((fit - c.reach.h - 1) / c.step.h + 1, 1, c.rows);
}

const float* StripLayout::rows_of(const float* src, int64_t n, int64_t row, int64_t count,
                                  float* strip) const {
  const int64_t src_row = c.src_w * c.src_c, first = c.origin.h + row * c.step.h;
  const float* image = src + n * c.src_h * src_row;
  if (in_place) return image + first * src_row + c.origin.w * c.src_c;

  // Source columns [from, to) are inside the image and the strip.
  const int64_t from = std::clamp<int64_t>(c.origin.w, 0, c.src_w);
  const int64_t to = std::clamp<int64_t>(c.origin.w + width, from, c.src_w);
  const int64_t before = std::clamp<int64_t>(from - c.origin.w, 0, width) * pixel;
  const int64_t inside = (to - from) * pixel;
  const int64_t strip_rows = (count - 1) * c.step.h + c.reach.h + 1;
  for (int64_t r = 0; r < strip_rows; ++r) {
    float* out = strip + r * pitch;
    const int64_t h = first + r;
    if (h < 0 || h >= c.src_h || inside == 0) {
      std::fill_n(out, pitch, 0.0f);
      continue;
    }
    const float* in = image + (h * c.src_w + from) * c.src_c;
    std::fill_n(out, before, 0.0f);
    if (repeat == 1) {
      std::memcpy(out + before, in, inside * sizeof(float));
    } else {
      for (int64_t i = 0; i < (to - from) * c.src_c; ++i)
        std::fill_n(out + before + i * repeat, repeat, in[i]);
    }
    std::fill(out + before + inside, out + pitch, 0.0f);
  }
  return strip;
}

Runs contiguous_runs(const StripLayout& layout, Scratch& memory) {
  const Correlation& c = layout.c;
  const int64_t length = c.src_c / c.groups;
  Runs merged{std::pmr::vector<ptrdiff_t>(&memory), length};
  Runs single{std::pmr::vector<ptrdiff_t>(&memory), length};
  merged.offsets.reserve(c.taps.size());
  single.offsets.reserve(c.taps.size());
  int64_t current = 0;  // length of the last run
  bool equal = true;    // all runs before the last are as long as the first
  for (const Tap& tap : c.taps) {
    const ptrdiff_t offset = layout.offset(tap);
    single.offsets.push_back(offset);
    if (c.groups == 1 && !merged.offsets.empty() && merged.offsets.back() + current == offset) {
      current += length;
      continue;
    }
    if (merged.offsets.size() == 1) merged.length = current;
    if (merged.offsets.size() > 1) equal &= current == merged.length;
    merged.offsets.push_back(offset);
    current = length;
  }
  if (merged.offsets.size() == 1) merged.length = current;
  if (merged.offsets.size() > 1) equal &= current == merged.length;
  return std::move(equal ? merged : single);
}

}  // namespace tuco::cpu
