// Lets a C++ compiler build a .cu file of ours for the stand-in. Each CUDA thread runs on a fibre,
// so barriers and shuffles are true ones; the blocks of a grid run one after the other on the
// host's thread that waits for the stream. The includer (devices/cuda/launch.h) declares before
// `void tuco::cuda::check_launch()`, which throws what cudaGetLastError() says.
#pragma once
#include <cuda_runtime_api.h>
#include <vector_functions.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <span>
#include <tuple>
#include <type_traits>

#include "argument.h"

// The headers of CUDA make these attributes that only nvcc knows.
#undef __global__
#undef __device__
#undef __host__
#undef __shared__
#undef __constant__
#undef __launch_bounds__
#undef __forceinline__
#undef __noinline__
#undef __grid_constant__
#undef __managed__
#define __global__
#define __device__
#define __host__
#define __constant__ static const
#define __launch_bounds__(...)
#define __forceinline__ inline
#define __grid_constant__
#define __shared__ static_assert(false, "use tuco::cuda::shared<> or dynamic_shared<>");
#define __managed__ static_assert(false, "the stand-in has no managed memory");

// CUDA's built-in variables: variables here too, since a macro `warpSize` would break
// cudaDeviceProp. threadIdx is set at every switch of fibre.
extern constinit thread_local uint3 threadIdx, blockIdx;
extern constinit thread_local dim3 blockDim, gridDim;
inline constexpr int warpSize = 32;

namespace standin {

inline constexpr unsigned kWarp = 32;

/// What __syncthreads_count, _and and _or make of the predicates of all threads of a block.
struct Votes {
  int count = 0;
  int threads = 0;
};
/// Blocks until every thread of the block came to the barrier at the same place of the source.
Votes sync_block(int predicate, unsigned line);
/// Leaves `bits` for the warp and returns the 32 values of the lanes once all lanes of `mask` came;
/// a lane outside the mask has all ones.
const std::uint64_t* exchange(unsigned mask, std::uint64_t bits, unsigned line);
/// The place of the running thread in its warp, 0 to 31.
unsigned lane();
/// The lanes of the running thread's warp that have not returned.
unsigned active_lanes();
/// The running block's static shared object of this key; made, as NaN, at the first call.
void* shared_memory(const void* key, std::size_t bytes, std::size_t align);
/// The running block's dynamic shared memory.
void* dynamic_shared_memory();

/// The bytes of one kernel argument, after its conversion to the parameter's type.
/// Whether every byte of a T belongs to a member. Of lambdas, which hold empty structs, gcc says so
/// too often.
template <class T>
inline constexpr bool is_full = std::has_unique_object_representations_v<T> &&
                                (std::is_scalar_v<T> || std::is_aggregate_v<T>);

/// Checks the launch's limits and arguments as CUDA does (a refusal is left for cudaGetLastError)
/// and puts the kernel into the stream's queue. `kernel` is its address, as for
/// cudaFuncSetAttribute.
void enqueue_kernel(const void* kernel, const char* types, dim3 grid, dim3 block,
                    std::size_t shared_bytes, cudaStream_t stream,
                    std::span<const Argument> arguments, std::function<void()> one_thread);

}  // namespace standin

#include "device_functions.h"

namespace tuco::cuda {

/// Starts `kernel` on `stream`; the arguments are converted to the kernel's parameter types here,
/// as <<<>>> does.
template <class... Params, class... Args>
void launch(void (*kernel)(Params...), dim3 grid, dim3 block, std::size_t shared_bytes,
            cudaStream_t stream, const Args&... args) {
  static_assert(sizeof...(Params) == sizeof...(Args), "launch: wrong number of kernel arguments");
  static_assert((std::is_trivially_copyable_v<std::decay_t<Params>> && ...),
                "launch: kernel parameters must be trivially copyable");
  static_assert((sizeof(std::decay_t<Params>) + ... + std::size_t{0}) <= 4096,
                "launch: kernel parameters take more than 4 KiB");
  std::tuple<std::decay_t<Params>...> values(static_cast<std::decay_t<Params>>(args)...);
  std::apply(
      [&](const auto&... v) {
        const standin::Argument list[] = {
            {&v, sizeof v, std::is_pointer_v<std::decay_t<decltype(v)>>,
             standin::is_full<std::decay_t<decltype(v)>>}...,
            {nullptr, 0, false, false}};
        standin::enqueue_kernel(reinterpret_cast<const void*>(kernel), __PRETTY_FUNCTION__, grid,
                                block, shared_bytes, stream, std::span(list, sizeof...(Params)),
                                [kernel, values] { std::apply(kernel, values); });
      },
      values);
  check_launch();
}

/// A block's static shared object. As on the device, one type in one kernel is one object: `Tag`, a
/// type, tells two of them apart.
template <class T, class Tag = void>
T& shared() {
  static const char key = 0;
  return *static_cast<T*>(standin::shared_memory(&key, sizeof(T), alignof(T)));
}

/// The block's dynamic shared memory, sized by launch() and aligned to 16 bytes.
template <class T>
T* dynamic_shared() {
  static_assert(alignof(T) <= 16);
  return static_cast<T*>(standin::dynamic_shared_memory());
}

}  // namespace tuco::cuda
