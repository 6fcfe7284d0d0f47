// Fewer dimensions for the same elements: what every device does before it walks over strides.
#pragma once
#include <array>

#include "tuco/core/layout.h"

namespace tuco {

/// Merges neighbouring dimensions that lie dense in every layout (all of one shape).
template <int N>
std::array<Layout, N> merge_dims(const std::array<Layout, N>& layouts) {
  const Shape& shape = layouts[0].shape;
  std::array<Layout, N> merged;
  for (int i = 0; i < N; ++i) merged[i].offset = layouts[i].offset;
  for (int d = 0; d < shape.rank(); ++d) {
    if (shape[d] == 1) continue;
    const int last = merged[0].shape.rank() - 1;
    bool fits = last >= 0;
    for (int i = 0; fits && i < N; ++i)
      fits = merged[i].strides[last] == layouts[i].strides[d] * shape[d];
    for (int i = 0; i < N; ++i) {
      if (fits) {
        merged[i].shape[last] *= shape[d];
        merged[i].strides[last] = layouts[i].strides[d];
      } else {
        merged[i].shape.push_back(shape[d]);
        merged[i].strides.push_back(layouts[i].strides[d]);
      }
    }
  }
  return merged;
}

}  // namespace tuco
