// How a reduction over some dimensions becomes one over the middle of three.
#pragma once
#include <array>
#include <vector>

#include "tuco/core/tensor.h"

namespace tuco {

/// A dense tensor seen as (outer, reduced, inner).
struct ReduceBlocks {
  Tensor x;
  int64_t outer, reduced, inner;
};

/// The dense tensor x with `dims` in the middle; a copy where they are not neighbours.
inline ReduceBlocks to_blocks(const Tensor& x, const Shape& dims) {
  std::array<bool, kMaxRank> is_reduced{};
  for (const int64_t d : dims) is_reduced[d] = true;
  const int rank = x.rank();
  // One range of neighbouring dimensions needs no copy.
  bool one_range = true;
  for (int i = 1; i < dims.rank(); ++i) one_range &= dims[i] == dims[i - 1] + 1;
  if (one_range) {
    const int first = dims.rank() ? static_cast<int>(dims[0]) : rank, last = first + dims.rank();
    ReduceBlocks blocks{x, 1, 1, 1};
    for (int i = 0; i < rank; ++i)
      (i < first ? blocks.outer : i < last ? blocks.reduced : blocks.inner) *= x.shape()[i];
    return blocks;
  }
  std::vector<int> order;
  ReduceBlocks blocks{{}, 1, 1, 1};
  for (const bool reduced : {false, true})
    for (int i = 0; i < rank; ++i)
      if (is_reduced[i] == reduced) {
        order.push_back(i);
        (reduced ? blocks.reduced : blocks.outer) *= x.shape()[i];
      }
  blocks.x = dense(Tensor(x.storage(), x.layout().permute(order), x.dtype()));
  return blocks;
}

}  // namespace tuco
