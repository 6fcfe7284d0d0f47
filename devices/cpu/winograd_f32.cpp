// Winograd convolution in float32, forward and to the input. Blocks of tiles are transformed into
// V[point][tile][source channel]; for each panel of outputs, a product for every point with the
// transformed filter U[panel][point][source channel][column] gives M[point][tile][column], which is
// transformed into outputs. V and M of a block stay in L2, and U passes over them. Where there are
// few tiles for so many weights, V is that of all tiles, and threads share the panels; a filter
// that is not kept is then transformed a panel at a time, and never written to memory as a whole.
#include "tuco/core/parallel.h"
#include "tuco/devices/cpu/highway_targets.h"
#include "tuco/devices/cpu/winograd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tuco/devices/cpu/winograd_f32.cpp"
#include <hwy/foreach_target.h>

#include "tuco/devices/cpu/winograd-inl.h"

#ifndef TUCO_DEVICES_CPU_WINOGRAD_F32_ONCE_
#define TUCO_DEVICES_CPU_WINOGRAD_F32_ONCE_
namespace tuco::cpu {

constexpr int64_t kBlockBytes = 640 << 10;  // of V and a panel of M
constexpr int64_t kMostTiles = 112;         // of a block
constexpr int64_t kStreamBytes = 12 << 20;  // outputs that no cache would keep: written past them
constexpr int64_t kNearBytes = 512 << 10;   // of U, which stay in L2 beside a block
constexpr int64_t kFilterBytes = 4 << 20;   // of U, from which on it is not written as a whole
constexpr int64_t kFilterDepth = 64;        // source channels of U then made together
constexpr int64_t kFilterChannels = 16;  // transformed together, so that reads and writes are runs

}  // namespace tuco::cpu
#endif

HWY_BEFORE_NAMESPACE();
namespace tuco::cpu::HWY_NAMESPACE {

// What all threads read. `sources` and `outputs` are channels.
template <class F>
struct WinogradJob {
  static constexpr int64_t kPoints = F::kIn * F::kIn;

  const TileGrid<F>& grid;
  const Panels& panels;
  const float *src, *zeros;
  const Epilogue<float>& epilogue;
  float* dst;
  int64_t sources, block;  // block: tiles together
  bool stream;             // outputs are whole vectors, written past the caches
  bool fetch;              // U is read from memory, and each tile fetches some of the next point's

  // A cache line more for each plane, or the planes fall into the same cache sets.
  int64_t padded() const { return divide_up(sources, kLanes) * kLanes; }
  ptrdiff_t v_plane() const { return block * padded() + 16; }
  ptrdiff_t m_plane() const { return block * kMaxVectors * kLanes + 16; }
};

// U of one panel and source channels [begin, end) from w: [point][source channel][column].
template <class F>
void transform_filter(const Correlation& c, const CorrelationWeights& w, const Panel& panel,
                      int64_t begin, int64_t end, float* u) {
  constexpr int64_t kCells = 9;
  const ptrdiff_t plane = point_plane(panel, end - begin);
  HWY_ALIGN float cells[kCells][kFilterChannels * kMaxVectors * kLanes];
  for (int64_t first = begin; first < end; first += kFilterChannels) {
    const int64_t channels = std::min(kFilterChannels, end - first);
    for (int64_t t = 0; t < kCells; ++t) {
      const int64_t cell = c.taps[t].cell, row = w.cells * w.in;
      if (w.forward) {
        const float* from = w.w + (panel.first * w.cells + cell) * w.in + first;
        pack_columns(from, row, channels, panel.columns, 1, cells[t], panel.width);
        // The next channels: short runs far from each other, which no hardware foresees.
        if (first + 2 * kFilterChannels <= w.in)
          for (int64_t o = 0; o < panel.columns; ++o)
            hwy::Prefetch(from + o * row + kFilterChannels);
      } else {
        const float* from = w.w + (first * w.cells + cell) * w.in + panel.first;
        pack_rows(from, row, channels, panel.columns, 1, cells[t], panel.width);
        if (first + 2 * kFilterChannels <= w.out)
          for (int64_t k = kFilterChannels; k < 2 * kFilterChannels; ++k)
            for (int64_t o = 0; o < panel.columns; o += 16) hwy::Prefetch(from + k * row + o);
      }
    }
    float* to = u + (first - begin) * panel.width;
    for (int64_t k = 0; k < channels * panel.width; k += kLanes)
      transform<3, F::kIn>([](const auto& g, auto& r) TUCO_INLINE_LAMBDA { F::filter(g, r); },
                           [&](int y, int x)
                               TUCO_INLINE_LAMBDA { return load(cells[y * 3 + x] + k); },
                           [&](int y, int x, VecF v)
                               TUCO_INLINE_LAMBDA { store(v, to + (y * F::kIn + x) * plane + k); });
  }
}

// U of all panels.
template <class F>
void transform_filters(const Correlation& c, const CorrelationWeights& w, const Panels& panels,
                       float* u) {
  const int64_t depth = w.forward ? w.in : w.out;
  parallel_for(0, static_cast<int64_t>(panels.size()), 1, [&](int64_t begin, int64_t end) {
    for (int64_t p = begin; p < end; ++p)
      transform_filter<F>(c, w, panels[p], 0, depth,
                          u + point_matrices_of(panels, panels[p], F::kIn * F::kIn, depth));
  });
}

// A' M A of one tile for the columns of a panel, through the epilogue.
template <class F>
void transform_output(const WinogradJob<F>& job, int64_t tile, const Panel& panel, const float* m) {
  const Correlation& c = job.grid.c;
  const auto place = job.grid.place(tile);
  const int64_t rows = c.rows - place.row, columns = c.cols - place.column;
  const ptrdiff_t plane = job.m_plane();
  const VecF low = splat(job.epilogue.low), high = splat(job.epilogue.high);
  const bool clamps = job.epilogue.clamps();
  for (int64_t j = 0; j < panel.vectors; ++j, m += kLanes) {
    const int64_t first = panel.first + j * kLanes, count = panel.columns - j * kLanes;
    const ptrdiff_t at = job.grid.output(place) + first;
    const Epilogue<float> e = job.epilogue.at(at, first);
    const VecF bias = e.bias ? load_first(e.bias, count) : zero();
    float* out = job.dst + at;
    transform<F::kIn, F::kOut>(
        [](const auto& in, auto& r) TUCO_INLINE_LAMBDA { F::output(in, r); },
        [&](int y, int x) TUCO_INLINE_LAMBDA { return load(m + (y * F::kIn + x) * plane); },
        [&](int y, int x, VecF v) TUCO_INLINE_LAMBDA {
          if (y >= rows || x >= columns) return;
          const ptrdiff_t offset = y * c.dst_row + x * c.dst_pixel;
          v = hn::Add(v, bias);
          if (e.addend) v = hn::Add(v, load_first(e.addend + offset, count));
          if (clamps) v = clamp(v, low, high);
          if (job.stream)
            hn::Stream(v, F32(), out + offset);
          else
            store_first(v, out + offset, count);
        });
  }
}

// M of `count` tiles by one panel, from source channels [begin, end) of V and U; added to that of
// the channels before.
template <class F>
void multiply_points(const WinogradJob<F>& job, int64_t count, const Panel& panel, int64_t begin,
                     int64_t end, const float* v, const float* u, float* m) {
  const int64_t tiles = divide_up(count, std::min<int64_t>(kMaxRows[panel.vectors], job.block));
  const ptrdiff_t none = 0;
  TileOperands t{nullptr, job.padded(), &none,       1,      end - begin,
                 nullptr, nullptr,      panel.width, kLanes, begin > 0};
  for (int64_t q = 0; q < job.kPoints; ++q) {
    t.b = u + q * point_plane(panel, end - begin);
    for (int64_t i = 0; i < tiles; ++i) {
      const int64_t from = count * i / tiles, rows = count * (i + 1) / tiles - from;
      t.a = v + q * job.v_plane() + from * job.padded() + begin;
      t.c = m + q * job.m_plane() + from * panel.width;
      if (job.fetch) t.next_b = ahead_of_panel(t.b, end - begin, panel.width, i, tiles);
      find_tile(rows, panel.vectors)(t);
    }
  }
}

// Outputs of tiles [first, first + count) by one panel.
template <class F>
void transform_outputs(const WinogradJob<F>& job, int64_t first, int64_t count, const Panel& panel,
                       const float* m) {
  for (int64_t t = 0; t < count; ++t) transform_output(job, first + t, panel, m + t * panel.width);
}

// Whether the outputs are long and aligned enough to be written past the caches.
bool is_streamed(const Correlation& c, int64_t outputs, const float* dst) {
  return c.batch * c.rows * c.cols * outputs * static_cast<int64_t>(sizeof(float)) > kStreamBytes &&
         outputs % kLanes == 0 && c.dst_pixel % kLanes == 0 && c.dst_row % kLanes == 0 &&
         c.dst_image % kLanes == 0 && reinterpret_cast<uintptr_t>(dst + c.dst_first) % 64 == 0;
}

template <class F>
void correlate_tiles(const Correlation& c, const CorrelationWeights& w, const float* src,
                     const Epilogue<float>& epilogue, float* dst, const PackedForms* forms) {
  constexpr int64_t kPoints = WinogradJob<F>::kPoints;
  Scratch shared;
  const TileGrid<F> grid(c);
  const int64_t sources = c.src_c, outputs = w.forward ? w.out : w.in, tiles = grid.count();
  const Panels panels = split_columns(outputs, kMostTiles, &shared);
  const auto count = static_cast<int64_t>(panels.size());
  const int64_t threads = num_threads(),
                filter_size = point_matrices_size(panels, kPoints, sources);
  const bool few = tiles <= kMostTiles && count > 1;
  const bool by_panel =
      few && !forms && filter_size * static_cast<int64_t>(sizeof(float)) > kFilterBytes;
  const float* filter =
      by_panel ? nullptr
               : packed_form(forms, F::kOut == 4 ? Form::winograd4 : Form::winograd2, filter_size,
                             shared, [&](float* u) { transform_filters<F>(c, w, panels, u); });
  float* zeros = shared.get<float>(sources);
  std::fill_n(zeros, sources, 0.0f);

  WinogradJob<F> job{grid,
                     panels,
                     src,
                     zeros,
                     epilogue,
                     dst,
                     sources,
                     0,
                     is_streamed(c, outputs, dst),
                     !by_panel && filter_size * static_cast<int64_t>(sizeof(float)) > kNearBytes};
  const int64_t tile_bytes =
      kPoints * (job.padded() + panels[0].width) * static_cast<int64_t>(sizeof(float));
  const int64_t most = std::clamp<int64_t>(kBlockBytes / tile_bytes, 1, kMostTiles);
  if (by_panel || (few && threads > 1 && tiles < 2 * threads * kMaxRows[panels[0].vectors])) {
    job.block = tiles;
    float* v = shared.get<float>(kPoints * job.v_plane());
    parallel_for(0, tiles, 4, [&](int64_t begin, int64_t end) {
      for (int64_t t = begin; t < end; ++t)
        transform_input(grid, t, src, zeros, v + t * job.padded(), job.v_plane());
    });
    parallel_for(0, count, 1, [&](int64_t begin, int64_t end) {
      Scratch scratch;
      float* m = scratch.get<float>(kPoints * job.m_plane());
      float* own = by_panel
                       ? scratch.get<float>(kPoints * (kFilterDepth * kMaxVectors * kLanes + 16))
                       : nullptr;
      for (int64_t p = begin; p < end; ++p) {
        const Panel& panel = panels[p];
        if (!by_panel)
          multiply_points(job, tiles, panel, 0, sources, v,
                          filter + point_matrices_of(panels, panel, kPoints, sources), m);
        for (int64_t k = 0; by_panel && k < sources; k += kFilterDepth) {
          const int64_t last = std::min(k + kFilterDepth, sources);
          transform_filter<F>(c, w, panel, k, last, own);
          multiply_points(job, tiles, panel, k, last, v, own, m);
        }
        transform_outputs(job, 0, tiles, panel, m);
      }
    });
    return;
  }
  // Each thread's share in equal blocks, of whole register tiles where they are long enough.
  const int64_t rows = kMaxRows[panels[0].vectors], share = divide_up(tiles, threads);
  job.block = divide_up(share, divide_up(share, most));
  if (job.block > rows) job.block = divide_up(job.block, rows) * rows;
  const int64_t blocks = divide_up(tiles, job.block);
  parallel_for(0, blocks, 1, [&](int64_t begin, int64_t end) {
    Scratch scratch;
    float* v = scratch.get<float>(kPoints * job.v_plane());
    float* m = scratch.get<float>(kPoints * job.m_plane());
    for (int64_t b = begin; b < end; ++b) {
      const int64_t first = b * job.block, here = std::min(job.block, tiles - first);
      for (int64_t t = 0; t < here; ++t)
        transform_input(grid, first + t, src, zeros, v + t * job.padded(), job.v_plane());
      for (const Panel& panel : panels) {
        multiply_points(job, here, panel, 0, sources, v,
                        filter + point_matrices_of(panels, panel, kPoints, sources), m);
        transform_outputs(job, first, here, panel, m);
      }
    }
    if (job.stream) hwy::FlushStream();
  });
}

void correlate_tiles_of_2(const Correlation& c, const CorrelationWeights& w, const float* src,
                          const Epilogue<float>& epilogue, float* dst, const PackedForms* forms) {
  correlate_tiles<F2>(c, w, src, epilogue, dst, forms);
}
void correlate_tiles_of_4(const Correlation& c, const CorrelationWeights& w, const float* src,
                          const Epilogue<float>& epilogue, float* dst, const PackedForms* forms) {
  correlate_tiles<F4>(c, w, src, epilogue, dst, forms);
}

}  // namespace tuco::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tuco::cpu {

HWY_EXPORT(correlate_tiles_of_2);
HWY_EXPORT(correlate_tiles_of_4);

bool is_winograd_shape(const WindowGeometry& g) {
  return g.groups == 1 && g.kernel == Hw(3) && g.stride == Hw(1) && g.dilation == Hw(1);
}

void winograd_correlate(int outputs, const Correlation& c, const CorrelationWeights& w,
                        const float* src, const Epilogue<float>& epilogue, float* dst,
                        const PackedForms* forms) {
  if (outputs == 4)
    TUCO_DISPATCH(correlate_tiles_of_4)(c, w, src, epilogue, dst, forms);
  else
    TUCO_DISPATCH(correlate_tiles_of_2)(c, w, src, epilogue, dst, forms);
}

}  // namespace tuco::cpu
#endif
