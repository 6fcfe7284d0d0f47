// Direct convolution in float32, forward and to the input. A few image rows are copied into a
// zero-padded strip that stays in L2; from there an output row is a matrix product whose left
// operand is never built: each kernel row is a run of contiguous floats, and neighbouring pixels
// start a pixel apart. Images that are narrower than a tile are gathered pixel by pixel. Weights
// that do not stay in L2 are fetched ahead, by the tiles.
#include "tuco/core/parallel.h"
#include "tuco/devices/cpu/algorithms.h"
#include "tuco/devices/cpu/conv2d_kernels.h"
#include "tuco/devices/cpu/correlation.h"
#include "tuco/devices/cpu/depthwise.h"
#include "tuco/devices/cpu/gemm.h"
#include "tuco/devices/cpu/highway_targets.h"
#include "tuco/devices/cpu/scratch.h"
#include "tuco/devices/cpu/winograd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tuco/devices/cpu/conv2d_f32.cpp"
#include <hwy/foreach_target.h>

#include "tuco/devices/cpu/tile-inl.h"

#ifndef TUCO_DEVICES_CPU_CONV2D_F32_ONCE_
#define TUCO_DEVICES_CPU_CONV2D_F32_ONCE_
namespace tuco::cpu {

constexpr int64_t kStripBytes = 96 << 10;    // of a strip: beside the weights in L2
constexpr int64_t kGatherBytes = 512 << 10;  // of gathered pixels
constexpr int64_t kGatherPixels = 28;        // gathered together, where they fit
constexpr int64_t kGatherDepth = 512;        // of a block of weights that gathered pixels pass over
constexpr int64_t kNearBytes = 96 << 10;     // of packed weights that need no fetching
constexpr int64_t kProductsPerThread = 1 << 18;  // multiply-adds that are worth a thread
constexpr int64_t kGatheredPerThread = 1 << 14;  // floats gathered that are worth one

}  // namespace tuco::cpu
#endif

HWY_BEFORE_NAMESPACE();
namespace tuco::cpu::HWY_NAMESPACE {

// [group][panel][tap][source channel][panel width]
void pack_weights(const Correlation& c, const CorrelationWeights& w, const Panels& panels,
                  float* packed) {
  const int64_t sources = c.src_c / c.groups, taps = static_cast<int64_t>(c.taps.size());
  const int64_t depth = taps * sources, group_size = packed_size(panels, depth);
  const auto count = static_cast<int64_t>(panels.size());
  parallel_for(0, c.groups * count, 1 + (1 << 14) / (16 * (depth + 1)), [&](int64_t b, int64_t e) {
    for (int64_t i = b; i < e; ++i) {
      const Panel& panel = panels[i % count];
      const int64_t group = i / count;
      float* to = packed + group * group_size + panel.offset * depth;
      if (w.forward) {
        pack_columns(w.w + (group * w.out + panel.first) * depth, depth, depth, panel.columns, 1,
                     to, panel.width);
      } else {
        for (int64_t t = 0; t < taps; ++t)
          pack_rows(w.w + (group * w.out * w.cells + c.taps[t].cell) * w.in + panel.first,
                    w.cells * w.in, w.out, panel.columns, 1, to + t * sources * panel.width,
                    panel.width);
      }
    }
  });
}

// The packed form for such panels: which split they are shows in the widest, the last one.
Form panel_form(const Panels& panels) {
  constexpr Form kForms[] = {Form::panels1, Form::panels1, Form::panels2, Form::panels3};
  return kForms[panels.back().vectors];
}

// What all threads read.
struct Job {
  const Correlation& c;
  const StripLayout& layout;
  const Runs& runs;
  const Panels& panels;
  const float *src, *packed;
  const Epilogue<float>& epilogue;
  float* dst;
  int64_t outputs;  // channels of a group of dst
  bool fetch;       // the packed weights do not stay in L2

  int64_t depth() const { return static_cast<int64_t>(runs.offsets.size()) * runs.length; }
  const float* weights(int64_t group, const Panel& panel) const {
    return packed + group * packed_size(panels, depth()) + panel.offset * depth();
  }
  ptrdiff_t matrix_row() const { return depth() + 16; }  // of gathered pixels
  int64_t row_products() const { return c.cols * c.groups * outputs * (depth() + 1); }
  // Where the output of a tile lies.
  ptrdiff_t output(int64_t n, int64_t row, int64_t group, const Panel& panel) const {
    return c.dst_first + n * c.dst_image + row * c.dst_row + group * outputs + panel.first;
  }
  // Tile `i` of `tiles` that pass over the panel.
  void run(Tile tile, TileOperands& t, ptrdiff_t output, int64_t group, const Panel& panel,
           int64_t i, int64_t tiles) const {
    t.c = dst + output;
    t.epilogue = epilogue.at(output, group * outputs + panel.first);
    if (fetch) t.next_b = ahead_of_panel(t.b, depth(), panel.width, i, tiles);
    tile(t);
  }
};

// Output rows [row, row + count) of image n.
void correlate_strip(const Job& job, int64_t n, int64_t row, int64_t count, float* strip) {
  const Correlation& c = job.c;
  const float* from = job.layout.rows_of(job.src, n, row, count, strip);
  const ptrdiff_t down = c.step.h * job.layout.pitch, across = c.step.w * job.layout.pixel;
  for (int64_t group = 0; group < c.groups; ++group)
    for (const Panel& panel : job.panels) {
      const Tile run_tile = find_tile(panel.rows, panel.vectors);
      const int64_t tiles = divide_up(c.cols, panel.rows);
      TileOperands t{nullptr,
                     across,
                     job.runs.offsets.data(),
                     static_cast<int64_t>(job.runs.offsets.size()),
                     job.runs.length,
                     job.weights(group, panel),
                     nullptr,
                     c.dst_pixel,
                     last_columns(panel)};
      for (int64_t i = 0; i < count; ++i) {
        const float* a = from + group * (c.src_c / c.groups) + i * down;
        const ptrdiff_t out = job.output(n, row + i, group, panel);
        for (int64_t j = 0; j < tiles; ++j) {
          const int64_t first = std::min(j * panel.rows, c.cols - panel.rows);  // the last overlaps
          t.a = a + first * across;
          job.run(run_tile, t, out + first * c.dst_pixel, group, panel, i * tiles + j,
                  count * tiles);
        }
      }
    }
}

// Rows [begin, end) of outputs, counted over all images from `image` on, whose windows become the
// rows of a matrix, for one group.
void gather_rows(const Job& job, int64_t image, int64_t begin, int64_t end, int64_t group,
                 float* strip, float* matrix) {
  const Correlation& c = job.c;
  const int64_t length = job.runs.length;
  float* to = matrix + begin * c.cols * job.matrix_row();
  for (int64_t r = begin; r < end;) {
    const int64_t row = r % c.rows, count = std::min(c.rows - row, end - r);
    const float* from = job.layout.rows_of(job.src, image + r / c.rows, row, count, strip);
    from += group * (c.src_c / c.groups);
    for (int64_t i = 0; i < count; ++i)
      for (int64_t j = 0; j < c.cols; ++j, to += job.matrix_row()) {
        const float* a = from + i * c.step.h * job.layout.pitch + j * c.step.w * job.layout.pixel;
        float* out = to;
        for (const ptrdiff_t offset : job.runs.offsets) {
          // Whole vectors: what follows is written next, or is room behind the row.
          for (int64_t k = 0; k < length; k += kLanes)
            store(load_first(a + offset + k, length - k), out + k);
          out += length;
        }
      }
    r += count;
  }
}

// The pixels of `images` images from `image` on, gathered, by one panel. Few pixels pass over many
// weights: in blocks, so that the next one comes while all of them pass over one.
void multiply_gathered(const Job& job, int64_t image, int64_t images, int64_t group,
                       const Panel& panel, const float* matrix) {
  const Correlation& c = job.c;
  const int64_t pixels = images * c.rows * c.cols, tiles = divide_up(pixels, panel.rows);
  const int64_t depth = job.depth(), blocks = divide_up(depth, kGatherDepth);
  const ptrdiff_t row = job.matrix_row(), out = job.output(image, 0, group, panel), zero_offset = 0;
  for (int64_t block = 0; block < blocks; ++block) {
    const int64_t k = depth * block / blocks, here = depth * (block + 1) / blocks - k;
    for (int64_t i = 0; i < tiles; ++i) {
      const int64_t first = pixels * i / tiles, count = pixels * (i + 1) / tiles - first;
      const ptrdiff_t at = out + first * c.dst_pixel;
      TileOperands t{matrix + first * row + k,
                     row,
                     &zero_offset,
                     1,
                     here,
                     job.weights(group, panel) + k * panel.width,
                     job.dst + at,
                     c.dst_pixel,
                     last_columns(panel),
                     block > 0};
      const Epilogue<float> epilogue = job.epilogue.at(at, group * job.outputs + panel.first);
      if (block + 1 == blocks)
        t.epilogue = epilogue;
      else
        t.epilogue.bias = epilogue.bias;
      if (job.fetch) t.next_b = ahead_of_panel(t.b, here, panel.width, i, tiles);
      find_tile(count, panel.vectors)(t);
    }
  }
}

// Gathers `images` images at a time. Threads share the images, or the rows and then the panels of
// them all if there are fewer.
void correlate_gathered(const Job& job, int64_t images) {
  const Correlation& c = job.c;
  const int64_t matrix_size = images * c.rows * c.cols * job.matrix_row();
  const int64_t batches = divide_up(c.batch, images), row_products = job.row_products();
  const auto panels = static_cast<int64_t>(job.panels.size());
  if (batches >= num_threads() || panels == 1) {
    parallel_for(0, batches, 1 + kProductsPerThread / (row_products * c.rows * images),
                 [&](int64_t begin, int64_t end) {
                   Scratch scratch;
                   float* strip = scratch.get<float>(job.layout.size(c.rows));
                   float* matrix = scratch.get<float>(matrix_size);
                   for (int64_t i = begin * images; i < std::min(c.batch, end * images);
                        i += images)
                     for (int64_t group = 0; group < c.groups; ++group) {
                       const int64_t here = std::min(images, c.batch - i);
                       gather_rows(job, i, 0, here * c.rows, group, strip, matrix);
                       for (const Panel& panel : job.panels)
                         multiply_gathered(job, i, here, group, panel, matrix);
                     }
                 });
    return;
  }
  Scratch shared;
  float* matrix = shared.get<float>(matrix_size);
  for (int64_t i = 0; i < c.batch; i += images)
    for (int64_t group = 0; group < c.groups; ++group) {
      const int64_t here = std::min(images, c.batch - i);
      parallel_for(0, here * c.rows, 1 + kGatheredPerThread / (c.cols * job.matrix_row()),
                   [&](int64_t begin, int64_t end) {
                     Scratch scratch;
                     float* strip = scratch.get<float>(job.layout.size(c.rows));
                     gather_rows(job, i, begin, end, group, strip, matrix);
                   });
      parallel_for(0, panels, 1 + kProductsPerThread * panels / (row_products * c.rows * here),
                   [&](int64_t begin, int64_t end) {
                     for (int64_t p = begin; p < end; ++p)
                       multiply_gathered(job, i, here, group, job.panels[p], matrix);
                   });
    }
}

void correlate_dense(const Correlation& c, const CorrelationWeights& w, const float* src,
                     const Epilogue<float>& epilogue, float* dst, const PackedForms* forms) {
  Scratch shared;
  const StripLayout layout(c);
  const Runs runs = contiguous_runs(layout, shared);
  const int64_t outputs = w.forward ? w.out : w.in;
  const int64_t depth = static_cast<int64_t>(runs.offsets.size()) * runs.length;
  const int64_t image_pixels = c.rows * c.cols;
  const bool dense = c.dst_row == c.cols * c.dst_pixel && c.dst_image == c.rows * c.dst_row;
  const bool gather = dense && 2 * c.cols <= kLanes && outputs >= 2 * kLanes && depth > 0;
  // Images gathered together; a strip holds rows of one image.
  const int64_t images = std::clamp<int64_t>(
      std::min(divide_up(kGatherPixels, image_pixels),
               kGatherBytes / (image_pixels * (depth + 16) * static_cast<int64_t>(sizeof(float)))),
      1, c.batch);
  const Panels panels = split_columns(outputs, gather ? images * image_pixels : c.cols, &shared);
  const float* packed =
      packed_form(forms, panel_form(panels), c.groups * packed_size(panels, depth), shared,
                  [&](float* made) { pack_weights(c, w, panels, made); });
  // Kept weights come from memory; packed ones from L2, or L3, which short vectors do not wait for.
  const bool fetch = (forms || HWY_TARGET == HWY_AVX3) &&
                     packed_size(panels, depth) * static_cast<int64_t>(sizeof(float)) > kNearBytes;
  const Job job{c, layout, runs, panels, src, packed, epilogue, dst, outputs, fetch};
  if (gather) return correlate_gathered(job, images);
  // Enough strips for all threads to end at about the same time.
  const int64_t wanted = 4 * num_threads();
  int64_t strip_rows = layout.rows_within(kStripBytes);
  if (c.batch < wanted)
    strip_rows = std::min(strip_rows, divide_up(c.rows, divide_up(wanted, c.batch)));
  const int64_t strips = divide_up(c.rows, strip_rows);
  parallel_for(0, c.batch * strips, 1 + kProductsPerThread / (job.row_products() * strip_rows),
               [&](int64_t begin, int64_t end) {
                 Scratch scratch;
                 float* strip = scratch.get<float>(layout.size(strip_rows));
                 for (int64_t i = begin; i < end; ++i) {
                   const int64_t row = i % strips * strip_rows;
                   correlate_strip(job, i / strips, row, std::min(strip_rows, c.rows - row), strip);
                 }
               });
}

}  // namespace tuco::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tuco::cpu {

HWY_EXPORT(correlate_dense);

namespace {

// A product over all pixels: no window to speak of.
bool is_pointwise(const WindowGeometry& g) {
  return g.groups == 1 && g.kernel == Hw(1) && g.stride == Hw(1) && g.padding == Padding(0);
}

CorrelationWeights weights_of(const WindowGeometry& g, const float* w, bool forward) {
  return {w, forward, g.kernel.h * g.kernel.w, g.in_c / g.groups, g.out_c / g.groups};
}

// By the algorithm that the table names.
void correlate(Pass pass, const WindowGeometry& g, const Correlation& c,
               const CorrelationWeights& w, const float* src, const Epilogue<float>& epilogue,
               float* dst, const PackedForms* forms) {
  const Algorithm algorithm = choose_algorithm(pass, g);
  if (algorithm == Algorithm::direct)
    TUCO_DISPATCH(correlate_dense)(c, w, src, epilogue, dst, forms);
  else
    winograd_correlate(algorithm == Algorithm::winograd4 ? 4 : 2, c, w, src, epilogue, dst, forms);
}

}  // namespace

template <>
void conv2d_forward<float>(const WindowGeometry& g, const float* x, const float* w,
                           const Epilogue<float>& epilogue, float* y, const PackedForms* forms) {
  const int64_t pixels = g.batch * g.out_h * g.out_w;
  if (pixels * g.out_c == 0) return;
  if (is_pointwise(g) && forms) {
    const auto& matrix = forms->get<PackedMatrix>(
        Form::matrix, [&] { return PackedMatrix(true, g.in_c, g.out_c, w, g.in_c); });
    return gemm(pixels, x, g.in_c, matrix, y, g.out_c, epilogue);
  }
  if (is_pointwise(g))
    return gemm<float>(false, true, pixels, g.out_c, g.in_c, 1, x, g.in_c, w, g.in_c, 0, y, g.out_c,
                       epilogue);
  Scratch memory;
  const Correlation c = forward_correlation(g, memory);
  if (is_depthwise(g))
    depthwise_correlate(c, g.out_c, g.kernel.h * g.kernel.w, x, w, epilogue, y, forms);
  else
    correlate(forms ? Pass::inference : Pass::forward, g, c, weights_of(g, w, true), x, epilogue, y,
              forms);
}

template <>
void conv2d_grad_input<float>(const WindowGeometry& g, const float* dy, const float* w, float* dx) {
  const int64_t pixels = g.batch * g.in_h * g.in_w;
  if (pixels * g.in_c == 0) return;
  if (is_pointwise(g)) {
    gemm<float>(false, false, pixels, g.in_c, g.out_c, 1, dy, g.out_c, w, g.in_c, 0, dx, g.in_c);
    return;
  }
  Scratch memory;
  for (const Correlation& c : grad_input_correlations(g, memory)) {
    if (is_depthwise(g) && g.out_c == g.in_c)
      depthwise_correlate(c, g.in_c, g.kernel.h * g.kernel.w, dy, w, {}, dx);
    else
      correlate(Pass::grad_input, g, c, weights_of(g, w, false), dy, {}, dx, nullptr);
  }
}

}  // namespace tuco::cpu
#endif
