// The gradient of 3x3 weights by Winograd's transforms, the exact adjoint of the forward pass:
//   dg = G' [sum over tiles of (B' d B) . (A dY A')] G
// The sum is 36 (or 16) products with a transposed left operand, V[point][tile][channel] by
// Z[point][tile][output], over chunks of tiles. Where all tiles fit in one chunk the sums of a few
// channels by a panel are transformed back at once, and never stored.
#include "tuco/core/parallel.h"
#include "tuco/devices/cpu/highway_targets.h"
#include "tuco/devices/cpu/winograd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tuco/devices/cpu/winograd_grad_weight_f32.cpp"
#include <hwy/foreach_target.h>

#include "tuco/devices/cpu/winograd-inl.h"

#ifndef TUCO_DEVICES_CPU_WINOGRAD_GRAD_WEIGHT_F32_ONCE_
#define TUCO_DEVICES_CPU_WINOGRAD_GRAD_WEIGHT_F32_ONCE_
namespace tuco::cpu {

constexpr int64_t kPrivateBytes = 700 << 10;  // sums that every thread may have a copy of
constexpr int64_t kPrivateChunk = 600 << 10;  // V and Z beside them in L2
constexpr int64_t kSharedChunk = 4 << 20;     // V and Z where the sums pass through the cache
constexpr int64_t kStep = 32;         // source channels whose gradients are finished together
constexpr int64_t kFewestTiles = 28;  // of a chunk, so that loading sums is a small part

}  // namespace tuco::cpu
#endif

HWY_BEFORE_NAMESPACE();
namespace tuco::cpu::HWY_NAMESPACE {

// What all threads read. `sums` is [panel][point][source channel][column].
template <class F>
struct GradJob {
  static constexpr int64_t kPoints = F::kIn * F::kIn;

  const TileGrid<F>& grid;
  const Panels& panels;
  const float *x, *zeros, *dy;
  int64_t sources, outputs, chunk;  // chunk: tiles together

  int64_t padded_sources() const { return divide_up(sources, kLanes) * kLanes; }
  int64_t padded_outputs() const { return packed_size(panels, 1); }
  // A cache line more for each plane, or the planes fall into the same cache sets.
  ptrdiff_t v_plane() const { return chunk * padded_sources() + 16; }
  ptrdiff_t z_plane() const { return chunk * padded_outputs() + 16; }
  int64_t sums_size() const { return point_matrices_size(panels, kPoints, sources); }
};

// A dY A' of one tile for all outputs, to z[point * plane + output].
template <class F>
void transform_gradient(const GradJob<F>& job, int64_t tile, float* z) {
  const Correlation& c = job.grid.c;
  const auto place = job.grid.place(tile);
  const int64_t rows = c.rows - place.row, columns = c.cols - place.column;
  const float* from = job.dy + job.grid.output(place);
  const ptrdiff_t plane = job.z_plane();
  if (columns >= 2 * F::kOut)  // the next tile
    for (int64_t i = 0; i < std::min<int64_t>(F::kOut, rows); ++i)
      for (int64_t k = F::kOut * c.dst_pixel; k < 2 * F::kOut * c.dst_pixel; k += 16)
        hwy::Prefetch(from + i * c.dst_row + k);
  for (int64_t o = 0; o < job.outputs; o += kLanes) {
    const int64_t count = job.outputs - o;
    transform<F::kOut, F::kIn>(
        [](const auto& y, auto& r) TUCO_INLINE_LAMBDA { F::gradient(y, r); },
        [&](int i, int j) TUCO_INLINE_LAMBDA {
          return i < rows && j < columns
                     ? load_first(from + i * c.dst_row + j * c.dst_pixel + o, count)
                     : zero();
        },
        [&](int i, int j, VecF v)
            TUCO_INLINE_LAMBDA { store(v, z + (i * F::kIn + j) * plane + o); });
  }
}

template <class F>
void transform_chunk(const GradJob<F>& job, int64_t first, int64_t begin, int64_t end, float* v,
                     float* z) {
  for (int64_t t = begin; t < end; ++t) {
    transform_input(job.grid, first + t, job.x, job.zeros, v + t * job.padded_sources(),
                    job.v_plane());
    transform_gradient(job, first + t, z + t * job.padded_outputs());
  }
}

// The products of `count` tiles at point q for source channels [begin, end), to
// sum[channel * width + column] or, if `add`, added to it.
template <class F>
void multiply_point(const GradJob<F>& job, int64_t q, int64_t count, const Panel& panel,
                    int64_t begin, int64_t end, const float* v, const float* z, float* sum,
                    bool add) {
  const int64_t rows = end - begin, tiles = divide_up(rows, kMaxRows[panel.vectors]);
  const ptrdiff_t none = 0;
  for (int64_t i = 0; i < tiles; ++i) {
    const int64_t from = rows * i / tiles, to = rows * (i + 1) / tiles;
    find_transposed(to - from, panel.vectors)(
        {v + q * job.v_plane() + begin + from, job.padded_sources(), &none, 1, count,
         z + q * job.z_plane() + panel.offset, job.padded_outputs(), 0, sum + from * panel.width,
         panel.width, add});
  }
}

// The same for all points and the step-th channels, to sum[point * plane + ...].
template <class F>
void multiply_step(const GradJob<F>& job, int64_t count, const Panel& panel, int64_t step,
                   const float* v, const float* z, float* sum, ptrdiff_t plane, bool add) {
  const int64_t begin = step * kStep, end = std::min(begin + kStep, job.sources);
  for (int64_t q = 0; q < job.kPoints; ++q)
    multiply_point(job, q, count, panel, begin, end, v, z, sum + q * plane, add);
}

// G' S G of the step-th channels into dw.
template <class F>
void finish_step(const GradJob<F>& job, const Panel& panel, int64_t step, const float* sum,
                 ptrdiff_t plane, float* dw) {
  const int64_t first = step * kStep, rows = std::min(kStep, job.sources - first);
  HWY_ALIGN float cells[9][kStep * kMaxVectors * kLanes];
  for (int64_t k = 0; k < rows * panel.width; k += kLanes)
    transform<F::kIn, 3>(
        [](const auto& s, auto& g) TUCO_INLINE_LAMBDA { F::filter_gradient(s, g); },
        [&](int i, int j) TUCO_INLINE_LAMBDA { return load(sum + (i * F::kIn + j) * plane + k); },
        [&](int i, int j, VecF v) TUCO_INLINE_LAMBDA { store(v, cells[i * 3 + j] + k); });
  for (int64_t t = 0; t < 9; ++t)
    pack_columns(cells[t], panel.width, panel.columns, rows, 1,
                 dw + (panel.first * 9 + t) * job.sources + first, rows, 9 * job.sources);
}

// All (panel, step) pairs, numbered.
template <class F>
int64_t count_steps(const GradJob<F>& job) {
  return static_cast<int64_t>(job.panels.size()) * divide_up(job.sources, kStep);
}
template <class F, class Visit>
void for_each_step(const GradJob<F>& job, int64_t begin, int64_t end, Visit&& visit) {
  const int64_t steps = divide_up(job.sources, kStep);
  for (int64_t i = begin; i < end; ++i) visit(job.panels[i / steps], i % steps);
}

// Where a step's sums lie in those of all.
template <class F>
float* step_sum(const GradJob<F>& job, const Panel& panel, int64_t step, float* sums) {
  return sums + point_matrices_of(job.panels, panel, job.kPoints, job.sources) +
         step * kStep * panel.width;
}

// All tiles in one chunk: no sums in memory.
template <class F>
void grad_in_one_chunk(GradJob<F>& job, Scratch& shared, float* dw) {
  const int64_t tiles = job.grid.count();
  float* v = shared.get<float>(job.kPoints * job.v_plane());
  float* z = shared.get<float>(job.kPoints * job.z_plane());
  parallel_for(0, tiles, 4,
               [&](int64_t begin, int64_t end) { transform_chunk(job, 0, begin, end, v, z); });
  parallel_for(0, count_steps(job), 1, [&](int64_t begin, int64_t end) {
    Scratch scratch;
    float* sum = scratch.get<float>(job.kPoints * (kStep * kMaxVectors * kLanes + 16));
    for_each_step(job, begin, end, [&](const Panel& panel, int64_t step) {
      const ptrdiff_t plane = point_plane(panel, kStep);
      multiply_step(job, tiles, panel, step, v, z, sum, plane, false);
      finish_step(job, panel, step, sum, plane, dw);
    });
  });
}

// Threads share the sums: they divide the tiles of a chunk, then the points. What all channels of a
// point read lies in L2.
template <class F>
void grad_with_shared_sums(const GradJob<F>& job, Scratch& shared, float* sums) {
  const int64_t tiles = job.grid.count();
  float* v = shared.get<float>(job.kPoints * job.v_plane());
  float* z = shared.get<float>(job.kPoints * job.z_plane());
  for (int64_t first = 0; first < tiles; first += job.chunk) {
    const int64_t count = std::min(job.chunk, tiles - first);
    parallel_for(0, count, 4, [&](int64_t begin, int64_t end) {
      transform_chunk(job, first, begin, end, v, z);
    });
    parallel_for(0, job.kPoints, 1, [&](int64_t begin, int64_t end) {
      for (int64_t q = begin; q < end; ++q)
        for (const Panel& panel : job.panels) {
          const ptrdiff_t plane = point_plane(panel, job.sources);
          float* sum = step_sum(job, panel, 0, sums) + q * plane;
          multiply_point(job, q, count, panel, 0, job.sources, v, z, sum, first > 0);
        }
    });
  }
}

// Every part has sums of its own, over chunks of its own.
template <class F>
void grad_with_private_sums(const GradJob<F>& job, int64_t parts, float* sums) {
  const int64_t tiles = job.grid.count(), chunks = divide_up(tiles, job.chunk);
  const int64_t size = job.sums_size(), steps = count_steps(job);
  parallel_for(0, parts, 1, [&](int64_t begin, int64_t end) {
    Scratch scratch;
    float* v = scratch.get<float>(job.kPoints * job.v_plane());
    float* z = scratch.get<float>(job.kPoints * job.z_plane());
    for (int64_t part = begin; part < end; ++part) {
      float* own = sums + part * size;
      const int64_t first_chunk = chunks * part / parts;
      for (int64_t i = first_chunk; i < chunks * (part + 1) / parts; ++i) {
        const int64_t first = i * job.chunk, count = std::min(job.chunk, tiles - first);
        transform_chunk(job, first, 0, count, v, z);
        for_each_step(job, 0, steps, [&](const Panel& panel, int64_t step) {
          multiply_step(job, count, panel, step, v, z, step_sum(job, panel, step, own),
                        point_plane(panel, job.sources), i > first_chunk);
        });
      }
    }
  });
  for (int64_t part = 1; part < parts; ++part)
    for (int64_t i = 0; i < size; ++i) sums[i] += sums[part * size + i];
}

template <class F>
void grad_tiles(const Correlation& c, int64_t outputs, const float* x, const float* dy, float* dw) {
  Scratch shared;
  const TileGrid<F> grid(c);
  const int64_t sources = c.src_c, tiles = grid.count();
  const Panels panels = split_columns(outputs, sources, &shared);
  float* zeros = shared.get<float>(sources);
  std::fill_n(zeros, sources, 0.0f);
  GradJob<F> job{grid, panels, x, zeros, dy, sources, outputs, 0};

  constexpr auto kFloat = static_cast<int64_t>(sizeof(float));
  const int64_t tile_bytes = job.kPoints * (job.padded_sources() + job.padded_outputs()) * kFloat;
  const int64_t sums_bytes = job.sums_size() * kFloat;
  const auto chunk_within = [&](int64_t bytes) {
    const int64_t most = std::max(bytes / tile_bytes, kFewestTiles);
    return divide_up(tiles, divide_up(tiles, most));
  };
  job.chunk = chunk_within(kSharedChunk);
  if (job.chunk == tiles && sums_bytes > kPrivateBytes) return grad_in_one_chunk(job, shared, dw);
  const bool is_private = sums_bytes <= kPrivateBytes;
  if (is_private) job.chunk = chunk_within(kPrivateChunk);
  const int64_t parts =
      is_private ? std::min<int64_t>(num_threads(), divide_up(tiles, job.chunk)) : 1;
  float* sums = shared.get<float>(parts * job.sums_size());
  if (is_private)
    grad_with_private_sums(job, parts, sums);
  else
    grad_with_shared_sums(job, shared, sums);
  parallel_for(0, count_steps(job), 4, [&](int64_t begin, int64_t end) {
    for_each_step(job, begin, end, [&](const Panel& panel, int64_t step) {
      finish_step(job, panel, step, step_sum(job, panel, step, sums), point_plane(panel, sources),
                  dw);
    });
  });
}

void grad_tiles_of_2(const Correlation& c, int64_t outputs, const float* x, const float* dy,
                     float* dw) {
  grad_tiles<F2>(c, outputs, x, dy, dw);
}
void grad_tiles_of_4(const Correlation& c, int64_t outputs, const float* x, const float* dy,
                     float* dw) {
  grad_tiles<F4>(c, outputs, x, dy, dw);
}

}  // namespace tuco::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tuco::cpu {

HWY_EXPORT(grad_tiles_of_2);
HWY_EXPORT(grad_tiles_of_4);

void winograd_grad_weight(int outputs, const Correlation& forward, int64_t out_c, const float* x,
                          const float* dy, float* dw) {
  if (outputs == 4)
    TUCO_DISPATCH(grad_tiles_of_4)(forward, out_c, x, dy, dw);
  else
    TUCO_DISPATCH(grad_tiles_of_2)(forward, out_c, x, dy, dw);
}

}  // namespace tuco::cpu
#endif
