// From layouts to what kernels walk over.
#pragma once
#include <algorithm>

#include "tuco/core/tensor.h"
#include "tuco/devices/cuda/strided.h"
#include "tuco/devices/merge_dims.h"
#include "tuco/devices/operands.h"

namespace tuco::cuda {

/// Calls body(walk, starts) for pieces that cover the common shape of several layouts: `walk`
/// counts from starts[k], in elements from the beginning of layout k's storage. There is more than
/// one piece only where the elements do not fit 31 bits.
template <int N, class Body>
void for_each_walk(const std::array<Layout, N>& layouts, const Body& body) {
  const auto merged = merge_dims<N>(layouts);
  const Shape& shape = merged[0].shape;
  const int64_t count = shape.numel();
  if (count == 0) return;
  constexpr int64_t kMost = int64_t{1} << 31;
  if (count >= kMost) {
    // Half of the outermost dimension that has halves.
    int dim = 0;
    while (shape[dim] == 1) ++dim;
    const int64_t middle = shape[dim] / 2;
    for (const auto& [from, to] : {std::pair{int64_t{0}, middle}, std::pair{middle, shape[dim]}}) {
      auto half = merged;
      for (Layout& layout : half) layout = layout.slice(dim, from, to, 1);
      for_each_walk<N>(half, body);
    }
    return;
  }
  Strided<N> walk;
  walk.count = count;
  walk.rank = std::max(1, shape.rank());
  std::array<int64_t, N> starts;
  for (int k = 0; k < N; ++k) {
    starts[k] = merged[k].offset;
    for (int d = 0; d < shape.rank(); ++d) walk.stride[k][d] = merged[k].strides[d];
  }
  for (int d = 0; d < shape.rank(); ++d) walk.size[d] = Divider(static_cast<uint32_t>(shape[d]));
  body(walk, starts);
}

/// Whether every layout of the walk lies dense, so that element i is at offset i.
template <int N>
bool is_dense(const Strided<N>& walk) {
  if (walk.rank > 1) return false;
  return std::all_of(std::begin(walk.stride), std::end(walk.stride),
                     [&](const auto& strides) { return strides[0] == 1 || walk.count == 1; });
}

}  // namespace tuco::cuda
