// How Tuco writes and starts kernels, so that a .cu file builds with nvcc and, for the tests on the
// stand-in of the CUDA libraries (tests/cuda_stand_in), with g++. Kernels are plain CUDA but for
// three rules: they are started by launch() or parallel_for(); static shared memory comes from
// shared<T, Tag>(), and dynamic from dynamic_shared<T>(). A .cu file includes only headers that
// nvcc can read, so no fmt: it takes raw pointers and plain structs, and the .cpp file beside it
// turns tensors into these.
#pragma once
#include <cuda_runtime_api.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "tuco/devices/cuda/check.h"

#ifdef __CUDACC__
namespace tuco::cuda {

/// Starts `kernel` on `stream`; the arguments are converted to the kernel's parameter types here.
/// Throws CudaError if the launch was refused.
template <class... Params, class... Args>
void launch(void (*kernel)(Params...), dim3 grid, dim3 block, size_t shared_bytes,
            cudaStream_t stream, const Args&... args) {
  static_assert(sizeof...(Params) == sizeof...(Args), "launch: wrong number of kernel arguments");
  kernel<<<grid, block, shared_bytes, stream>>>(static_cast<Params>(args)...);
  check_launch();
}

/// A block's static shared object; `Tag`, a type, tells two of one type in one kernel apart.
template <class T, class Tag = void>
__device__ T& shared() {
  __shared__ T object;
  return object;
}

/// The block's dynamic shared memory, sized by launch(), aligned to 16 bytes.
template <class T>
__device__ T* dynamic_shared() {
  extern __shared__ __align__(16) unsigned char tuco_dynamic_shared[];
  return reinterpret_cast<T*>(tuco_dynamic_shared);
}

}  // namespace tuco::cuda
#else
#include <cuda_stand_in/device_code.h>  // found only where the tests compile this for the stand-in
#endif

namespace tuco::cuda {

/// Threads of a block, unless a kernel has a reason.
inline constexpr int kThreads = 256;
/// Blocks beyond which a grid does not grow: threads take several elements then.
inline constexpr int64_t kMaxBlocks = 1 << 14;

/// Blocks of `threads` that cover n elements, as far as kMaxBlocks.
inline unsigned blocks_for(int64_t n, int threads = kThreads) {
  return static_cast<unsigned>(
      std::clamp<int64_t>((n + threads - 1) / threads, int64_t{1}, kMaxBlocks));
}

namespace detail {

template <class Body>
__global__ void __launch_bounds__(kThreads) for_each_kernel(Body body, int64_t n) {
  const int64_t step = int64_t{blockDim.x} * gridDim.x;
  for (int64_t i = int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < n; i += step) body(i);
}

}  // namespace detail

/// Calls body(i) on the device for i from 0 to n, in no order. `body` is copied there: a lambda
/// [=] __device__ (int64_t i) { ... } or a struct with such an operator, of pointers and numbers.
template <class Body>
void parallel_for(int64_t n, cudaStream_t stream, const Body& body) {
  if (n <= 0) return;
  launch(detail::for_each_kernel<Body>, blocks_for(n), kThreads, 0, stream, body, n);
}

}  // namespace tuco::cuda
