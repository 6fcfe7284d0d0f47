// How reductions over the rows of (rows, channels) data are cut: into chunks that are summed in
// float32 and joined in double, in order, whatever the number of threads.
#pragma once
#include <algorithm>
#include <cstdint>
#include <vector>

#include "tuco/core/parallel.h"
#include "tuco/devices/cpu/scratch.h"

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

/// `kinds` sums of each channel for each chunk, in double; every one of them is to be written.
class ChunkSums {
 public:
  ChunkSums(const ChannelChunks& chunks, int64_t kinds)
      : count_(chunks.count),
        kinds_(kinds),
        channels_(chunks.channels),
        values_(scratch_.get<double>(count_ * kinds * channels_)) {}

  double* at(int64_t chunk, int64_t kind) const {
    return values_ + (chunk * kinds_ + kind) * channels_;
  }
  /// The total of each channel over all chunks, where `fold` columns are one channel.
  std::vector<double> total(int64_t kind, int64_t fold = 1) const {
    const int64_t channels = channels_ / fold;
    std::vector<double> sum(channels);
    for (int64_t chunk = 0; chunk < count_; ++chunk)
      for (int64_t f = 0; f < fold; ++f)
        for (int64_t c = 0; c < channels; ++c) sum[c] += at(chunk, kind)[f * channels + c];
    return sum;
  }

 private:
  Scratch scratch_;
  int64_t count_, kinds_, channels_;
  double* values_;
};

}  // namespace tuco::cpu
