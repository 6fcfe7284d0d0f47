// How the CPU walks over tensors of any strides: dimensions that can be merged are merged, then
// runs along the innermost one are shared among the threads.
#pragma once
#include "tuco/core/layout.h"
#include "tuco/core/parallel.h"
#include "tuco/devices/cpu/kernels.h"
#include "tuco/devices/merge_dims.h"

namespace tuco::cpu {

/// Calls body(offsets, strides, length) for runs that cover a common shape, on all threads.
template <int N, class Body>
void parallel_runs(const std::array<Layout, N>& layouts, Body&& body) {
  const auto merged = merge_dims<N>(layouts);
  const Shape& shape = merged[0].shape;
  std::array<int64_t, N> strides;
  for (int i = 0; i < N; ++i) strides[i] = shape.rank() ? merged[i].strides.back() : 0;
  if (shape.numel() == 0) return;
  if (shape.rank() <= 1) {
    parallel_for(0, shape.numel(), kGrain, [&](int64_t begin, int64_t end) {
      std::array<int64_t, N> offsets;
      for (int i = 0; i < N; ++i) offsets[i] = merged[i].offset + begin * strides[i];
      body(offsets, strides, end - begin);
    });
    return;
  }
  const int64_t grain = std::max<int64_t>(1, kGrain / shape.back());
  parallel_for(0, count_runs(shape), grain, [&](int64_t begin, int64_t end) {
    for_each_run<N>(merged, begin, end,
                    [&](const auto& offsets, int64_t length) { body(offsets, strides, length); });
  });
}

}  // namespace tuco::cpu
