// The gradient of convolution weights in float32: a tile of some (kernel column, input channel)
// rows by output channels is summed over all pixels of a strip, straight from the strip and dy.
// Threads either share the output channels, or sum different images into copies of their own, which
// are added in a fixed order.
#include "tuco/core/parallel.h"
#include "tuco/devices/cpu/algorithms.h"
#include "tuco/devices/cpu/conv2d_kernels.h"
#include "tuco/devices/cpu/correlation.h"
#include "tuco/devices/cpu/depthwise.h"
#include "tuco/devices/cpu/highway_targets.h"
#include "tuco/devices/cpu/scratch.h"
#include "tuco/devices/cpu/winograd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tuco/devices/cpu/conv2d_grad_weight_f32.cpp"
#include <hwy/foreach_target.h>

#include "tuco/devices/cpu/tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace tuco::cpu::HWY_NAMESPACE {

constexpr int64_t kPixelsPerTile = 128;    // at least, so that the sums seldom leave the registers
constexpr int64_t kStripBytes = 96 << 10;  // of a strip
constexpr int64_t kPanelBytes = 64
                                << 10;  // of a panel of dy, which each tile of a strip reads again
constexpr int64_t kPrivateBytes = 512 << 10;  // sums that every thread may have a copy of

// What all threads read. A unit is so many rows of one image, or so many whole images.
struct GradWeightJob {
  const Correlation& c;
  const StripLayout& layout;
  const Runs& runs;
  const Panels& panels;
  const float *x, *dy;
  int64_t outputs;  // channels of a group of dy
  bool pad;         // dy's channels do not fill vectors
  int64_t rows_a_unit, images_a_unit;

  int64_t depth() const { return static_cast<int64_t>(runs.offsets.size()) * runs.length; }
  int64_t group_size() const { return packed_size(panels, depth()); }
  int64_t strips() const { return divide_up(c.rows, rows_a_unit); }
  int64_t units() const { return divide_up(c.batch, images_a_unit) * strips(); }
  int64_t rows_at_most() const { return images_a_unit * rows_a_unit; }
};

// Adds unit `unit` to the sums [group][panel][depth][width] of panels [first, last), counted over
// all groups.
void add_unit(const GradWeightJob& job, int64_t unit, int64_t first, int64_t last, float* strip,
              float* padded, ptrdiff_t* row_offsets, float* sums) {
  const Correlation& c = job.c;
  const int64_t n0 = unit / job.strips() * job.images_a_unit;
  const int64_t images = std::min(job.images_a_unit, c.batch - n0);
  const int64_t row = unit % job.strips() * job.rows_a_unit;
  const int64_t count = std::min(job.rows_a_unit, c.rows - row), rows = images * count;
  const float* base = nullptr;
  for (int64_t n = 0; n < images; ++n) {
    const float* from =
        job.layout.rows_of(job.x, n0 + n, row, count, strip + n * job.layout.size(job.rows_a_unit));
    if (n == 0) base = from;
    for (int64_t i = 0; i < count; ++i)
      row_offsets[n * count + i] = from - base + i * c.step.h * job.layout.pitch;
  }
  const float* dy = job.dy + n0 * c.dst_image + row * c.dst_row;
  const auto panels = static_cast<int64_t>(job.panels.size());
  const int64_t width = packed_size(job.panels, 1);
  int64_t padded_group = -1;
  for (int64_t p = first; p < last; ++p) {
    const int64_t group = p / panels;
    const Panel& panel = job.panels[p % panels];
    TransposedOperands t{};
    t.a_step = c.step.w * job.layout.pixel;
    t.offsets = row_offsets;
    t.runs = rows;
    t.length = c.cols;
    if (job.pad) {
      if (padded_group != group)
        pack_rows(dy + group * job.outputs, c.dst_pixel, rows * c.cols, job.outputs, 1, padded,
                  width);
      padded_group = group;
      t.b = padded + panel.first;
      t.b_step = width;
    } else {
      t.b = dy + group * job.outputs + panel.first;
      t.b_step = c.dst_pixel;
    }
    t.b_run = c.cols * t.b_step;
    t.c_row = panel.width;
    float* sum = sums + group * job.group_size() + panel.offset * job.depth();
    const int64_t tiles = divide_up(job.runs.length, kMaxRows[panel.vectors]);
    for (const ptrdiff_t offset : job.runs.offsets)
      for (int64_t i = 0; i < tiles; ++i) {
        const int64_t from = job.runs.length * i / tiles, to = job.runs.length * (i + 1) / tiles;
        t.a = base + group * (c.src_c / c.groups) + offset + from;
        t.c = sum + from * panel.width;
        find_transposed(to - from, panel.vectors)(t);
        if (i + 1 == tiles) sum += job.runs.length * panel.width;
      }
  }
}

// Units [begin, end) into sums that start as zero.
void add_units(const GradWeightJob& job, int64_t begin, int64_t end, int64_t first, int64_t last,
               float* sums) {
  Scratch scratch;
  float* strip = scratch.get<float>(job.images_a_unit * job.layout.size(job.rows_a_unit));
  float* padded =
      job.pad ? scratch.get<float>(job.rows_at_most() * job.c.cols * packed_size(job.panels, 1))
              : nullptr;
  auto* row_offsets = scratch.get<ptrdiff_t>(job.rows_at_most());
  const auto panels = static_cast<int64_t>(job.panels.size());
  for (int64_t p = first; p < last; ++p) {
    const Panel& panel = job.panels[p % panels];
    std::fill_n(sums + p / panels * job.group_size() + panel.offset * job.depth(),
                job.depth() * panel.width, 0.0f);
  }
  for (int64_t unit = begin; unit < end; ++unit)
    add_unit(job, unit, first, last, strip, padded, row_offsets, sums);
}

void sum_grad_weight(const Correlation& c, int64_t outputs, const float* x, const float* dy,
                     float* dw) {
  Scratch scratch;
  const StripLayout layout(c);
  const Runs runs = contiguous_runs(layout, scratch);
  const Panels panels = split_columns(outputs, runs.length, &scratch);
  GradWeightJob job{c,
                    layout,
                    runs,
                    panels,
                    x,
                    dy,
                    outputs,
                    outputs % kLanes != 0,
                    layout.rows_within(kStripBytes),
                    1};
  const int64_t row_bytes = c.cols * panels[0].width * static_cast<int64_t>(sizeof(float));
  job.rows_a_unit = std::clamp<int64_t>(kPanelBytes / row_bytes, 1, job.rows_a_unit);
  if (job.rows_a_unit == c.rows)
    job.images_a_unit = std::clamp<int64_t>(divide_up(kPixelsPerTile, c.rows * c.cols), 1, c.batch);

  const int64_t depth = job.depth(), size = c.groups * job.group_size();
  const auto group_panels = static_cast<int64_t>(panels.size());
  const int64_t all = c.groups * group_panels, units = job.units();
  const bool share_panels =
      all >= num_threads() &&
      (size * static_cast<int64_t>(sizeof(float)) > kPrivateBytes || units < num_threads());
  const int64_t parts = share_panels ? 1 : std::min<int64_t>(num_threads(), units);
  float* sums = scratch.get<float>(parts * size);
  if (share_panels) {
    parallel_for(0, all, 1,
                 [&](int64_t begin, int64_t end) { add_units(job, 0, units, begin, end, sums); });
  } else {
    parallel_for(0, parts, 1, [&](int64_t begin, int64_t end) {
      for (int64_t part = begin; part < end; ++part)
        add_units(job, units * part / parts, units * (part + 1) / parts, 0, all,
                  sums + part * size);
    });
  }
  parallel_for(0, all, 1, [&](int64_t begin, int64_t end) {
    for (int64_t p = begin; p < end; ++p) {
      const Panel& panel = panels[p % group_panels];
      const int64_t group = p / group_panels;
      float* sum = sums + group * job.group_size() + panel.offset * depth;
      for (int64_t part = 1; part < parts; ++part)
        for (int64_t i = 0; i < depth * panel.width; ++i) sum[i] += sum[part * size + i];
      pack_columns(sum, panel.width, panel.columns, depth, 1,
                   dw + (group * outputs + panel.first) * depth, depth);
    }
  });
}

}  // namespace tuco::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tuco::cpu {

HWY_EXPORT(sum_grad_weight);

template <>
void conv2d_grad_weight<float>(const WindowGeometry& g, const float* x, const float* dy,
                               float* dw) {
  const int64_t weights = g.out_c * g.kernel.h * g.kernel.w * (g.in_c / g.groups);
  if (g.batch * g.out_h * g.out_w * weights == 0) {
    std::fill_n(dw, weights, 0.0f);
    return;
  }
  Scratch memory;
  const Correlation c = forward_correlation(g, memory);
  if (is_depthwise(g)) return depthwise_grad_weight(c, g.out_c, x, dy, dw);
  const Algorithm algorithm = choose_algorithm(Pass::grad_weight, g);
  if (algorithm == Algorithm::direct)
    TUCO_DISPATCH(sum_grad_weight)(c, g.out_c / g.groups, x, dy, dw);
  else
    winograd_grad_weight(algorithm == Algorithm::winograd4 ? 4 : 2, c, g.out_c, x, dy, dw);
}

}  // namespace tuco::cpu
#endif
