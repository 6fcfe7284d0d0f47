// How reductions over the rows of (rows, channels) data are cut: into chunks that are summed in
// float32 and joined in double, in order, whatever the number of threads.
#pragma once
#include <algorithm>
#include <cstdint>
#include <vector>

#include "tuco/core/parallel.h"

namespace tuco::cpu {

struct ChannelChunks {
  ChannelChunks(int64_t total_rows, int64_t channel_count)
      : rows(total_rows),
        channels(channel_count),
        step(std::clamp<int64_t>((16 << 10) / std::max<int64_t>(channels, 1), 16, 512)),
        count((rows + step - 1) / step) {}

  /// Calls body(chunk, first row, number of rows) for all, in parallel.
  template <class Body>
  void for_each(const Body& body) const {
    parallel_for(0, count, 1 + (1 << 16) / (step * (channels + 1)),
                 [&](int64_t begin, int64_t end) {
                   for (int64_t i = begin; i < end; ++i)
                     body(i, i * step, std::min(step, rows - i * step));
                 });
  }

  int64_t rows, channels, step, count;
};

/// `kinds` sums of each channel for each chunk, in double.
struct ChunkSums {
  ChunkSums(const ChannelChunks& chunks, int64_t kinds_of_sums)
      : count(chunks.count),
        kinds(kinds_of_sums),
        channels(chunks.channels),
        values(count * kinds * channels) {}

  double* at(int64_t chunk, int64_t kind) {
    return values.data() + (chunk * kinds + kind) * channels;
  }
  /// The total of each channel over all chunks.
  std::vector<double> total(int64_t kind) {
    std::vector<double> sum(channels);
    for (int64_t chunk = 0; chunk < count; ++chunk)
      for (int64_t c = 0; c < channels; ++c) sum[c] += at(chunk, kind)[c];
    return sum;
  }

  int64_t count, kinds, channels;
  std::vector<double> values;
};

}  // namespace tuco::cpu
