// Kernels over (rows, channels) data, channels innermost: how threads lie over it, and sums over
// the rows. Sums are made in a fixed order, so that they are the same in every run. For .cu files.
#pragma once
#include "tuco/devices/cuda/batch_norm_kernels.h"
#include "tuco/devices/cuda/block_reduce.h"
#include "tuco/devices/cuda/pack.h"

namespace tuco::cuda {

/// A grid of blocks of kThreads: `across` neighbouring threads have a pack of channels each of one
/// row, those behind them the next rows.
struct RowGrid {
  int64_t rows, packs;
  unsigned across, channel_blocks, row_blocks;

  /// `pack` channels to a thread, and some `rows_per_thread` rows, unless there are more than
  /// `most_blocks` blocks then.
  RowGrid(const NormSizes& sizes, int pack, int64_t rows_per_thread, int64_t most_blocks)
      : rows(sizes.rows), packs(sizes.channels / pack), across(1) {
    while (across < 32 && across < packs) across *= 2;
    channel_blocks = static_cast<unsigned>((packs + across - 1) / across);
    const int64_t wanted = rows * across / (kThreads * rows_per_thread);
    row_blocks = static_cast<unsigned>(std::clamp<int64_t>(
        wanted, 1, std::max<int64_t>(1, most_blocks / std::max(1u, channel_blocks))));
  }
  dim3 blocks() const { return {channel_blocks, row_blocks}; }

  __device__ int64_t pack() const { return int64_t{blockIdx.x} * across + threadIdx.x % across; }
  __device__ int64_t first_row() const {
    return int64_t{blockIdx.y} * (kThreads / across) + threadIdx.x / across;
  }
  __device__ int64_t row_step() const { return int64_t{row_blocks} * (kThreads / across); }
};

/// The grid of a reduction: enough to fill a device, few enough to be joined quickly.
inline RowGrid reduction_grid(const NormSizes& sizes, int pack) {
  return RowGrid(sizes, pack, 8, 1024);
}
/// The grid of a pass that writes as much as it reads.
inline RowGrid pass_grid(const NormSizes& sizes, int pack) { return RowGrid(sizes, pack, 4, 8192); }

/// Rows whose sums are of the data's own type, before they are joined in double.
inline constexpr int kRowsInOwnType = 32;

/// The first stage: what the rows of each block sum up to, in partial (channels, row blocks).
/// Source is copied to the device and has
///   Partial                       what is summed up, with neutral() and joined(a, b)
///   Sums<kPack>(source, grid)     the sums of a thread's channels; made by all threads of a block
///     start(row)                  they are 0, and `row` is the first
///     add(row)
///     partial(k, count)           channel k's, of `count` rows
template <int kPack, class Source>
__global__ void __launch_bounds__(kThreads, 4)  // blocks at once, that loads are under way
    reduce_rows_kernel(RowGrid grid, Source source, typename Source::Partial* partial) {
  using Partial = typename Source::Partial;
  const int64_t pack = grid.pack();
  Partial total[kPack];
  for (int k = 0; k < kPack; ++k) total[k] = Partial::neutral();
  typename Source::template Sums<kPack> sums(source, grid);
  if (pack < grid.packs) {
    const int64_t step = grid.row_step();
    for (int64_t row = grid.first_row(); row < grid.rows;) {
      sums.start(row);
      int count = 0;
      for (; count < kRowsInOwnType && row < grid.rows; ++count, row += step) sums.add(row);
      for (int k = 0; k < kPack; ++k) total[k] = Partial::joined(total[k], sums.partial(k, count));
    }
  }
  auto& shared_partial = shared<Partial[kThreads * kPack]>();
  for (int k = 0; k < kPack; ++k) shared_partial[k * kThreads + threadIdx.x] = total[k];
  for (unsigned half = kThreads / 2; half >= grid.across; half /= 2) {
    __syncthreads();
    if (threadIdx.x < half)
      for (int k = 0; k < kPack; ++k) {
        Partial& mine = shared_partial[k * kThreads + threadIdx.x];
        mine = Partial::joined(mine, shared_partial[k * kThreads + threadIdx.x + half]);
      }
  }
  if (threadIdx.x < grid.across && pack < grid.packs)
    for (int k = 0; k < kPack; ++k)
      partial[(pack * kPack + k) * grid.row_blocks + blockIdx.y] =
          shared_partial[k * kThreads + threadIdx.x];
}

/// The second stage: calls finish(channel, sum) with the sum of a channel's `count` partial ones. A
/// warp for each channel.
template <class Partial, class Finish>
__global__ void __launch_bounds__(kThreads)
    join_partial_kernel(int64_t channels, int64_t count, const Partial* partial, Finish finish) {
  const int64_t step = int64_t{gridDim.x} * (kThreads / 32);
  for (int64_t c = int64_t{blockIdx.x} * (kThreads / 32) + threadIdx.x / 32; c < channels;
       c += step) {
    Partial total = Partial::neutral();
    for (int64_t i = threadIdx.x % 32; i < count; i += 32)
      total = Partial::joined(total, partial[c * count + i]);
    for (int distance = 16; distance > 0; distance /= 2)
      total = Partial::joined(total, total.of_lane(distance));
    if (threadIdx.x % 32 == 0) finish(c, total);
  }
}

/// Both stages.
template <int kPack, class Source, class Finish>
void reduce_rows(const NormSizes& sizes, const Source& source, double* scratch,
                 const Finish& finish, cudaStream_t stream) {
  using Partial = typename Source::Partial;
  if (sizes.channels == 0) return;
  const RowGrid grid = reduction_grid(sizes, kPack);
  auto* partial = reinterpret_cast<Partial*>(scratch);
  launch(reduce_rows_kernel<kPack, Source>, grid.blocks(), kThreads, 0, stream, grid, source,
         partial);
  launch(join_partial_kernel<Partial, Finish>, blocks_for(sizes.channels, kThreads / 32), kThreads,
         0, stream, sizes.channels, int64_t{grid.row_blocks}, partial, finish);
}

}  // namespace tuco::cuda
