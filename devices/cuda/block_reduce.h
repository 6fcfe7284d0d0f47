// Reductions over the threads of a block. For .cu files.
#pragma once
#include "tuco/devices/cuda/launch.h"

namespace tuco::cuda {

inline constexpr unsigned kAllLanes = 0xffffffffu;

struct AddOf {
  template <class T>
  __device__ T operator()(T a, T b) const {
    return a + b;
  }
};
/// NaN if either is.
struct MaxOf {
  template <class T>
  __device__ T operator()(T a, T b) const {
    return a != a ? a : a < b || b != b ? b : a;
  }
};

namespace detail {
template <class Tag>
struct ReduceBlock {};
}  // namespace detail

/// `op` over the values of the 32 lanes of a full warp, in every lane; in a fixed order.
template <class T, class Op>
__device__ T reduce_warp(T value, const Op& op) {
  for (int distance = 16; distance > 0; distance /= 2)
    value = op(value, __shfl_xor_sync(kAllLanes, value, distance));
  return value;
}

/// `op` over the values of all threads of a one-dimensional block of whole warps, in every thread;
/// in a fixed order. `neutral` changes nothing. All threads must come here. `Tag` keeps the shared
/// memory of two calls for one type apart; with one tag, the barrier at the end does.
template <class Tag = void, class T, class Op>
__device__ T reduce_block(T value, T neutral, const Op& op) {
  auto& partial = shared<T[32], detail::ReduceBlock<Tag>>();
  value = reduce_warp(value, op);
  const unsigned warps = blockDim.x / 32;
  if (threadIdx.x % 32 == 0) partial[threadIdx.x / 32] = value;
  __syncthreads();
  value = reduce_warp(threadIdx.x % 32 < warps ? partial[threadIdx.x % 32] : neutral, op);
  __syncthreads();
  return value;
}

}  // namespace tuco::cuda
