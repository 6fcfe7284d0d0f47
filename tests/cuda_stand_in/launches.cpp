// Kernel launches: the limits that CUDA documents, and the allocations that the arguments point to.
#include <cxxabi.h>
#include <dlfcn.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <span>

#include "argument.h"
#include "state.h"

namespace standin {

namespace {

constexpr std::size_t kShared = 48 * 1024, kSharedOptIn = 227 * 1024, kSharedReserved = 1024;
constexpr std::size_t kSharedOfProcessor = 228 * 1024;

// The kernel's name where the program exports it, else its parameters.
std::string name_of(const void* kernel, const char* types) {
  Dl_info info{};
  if (dladdr(kernel, &info) && info.dli_sname && info.dli_saddr == kernel) {
    int status = 0;
    char* plain = abi::__cxa_demangle(info.dli_sname, nullptr, nullptr, &status);
    const std::string name = plain ? plain : info.dli_sname;
    std::free(plain);
    return name;
  }
  const std::string all = types;  // "... launch(...) [with Params = {...}; ...]"
  const std::size_t with = all.find("[with ");
  return "kernel " + (with == std::string::npos ? all : all.substr(with));
}

bool is_mapped(std::uint64_t word) {
  return msync(reinterpret_cast<void*>(word & ~std::uint64_t{4095}), 1, MS_ASYNC) == 0;
}

std::size_t dynamic_limit(const void* kernel) {
  const auto it = world().dynamic_shared.find(kernel);
  return it == world().dynamic_shared.end() ? kShared : std::size_t(it->second);
}

// Every word of the arguments that is an address of device memory names a buffer; pointers inside
// structs are found too. An address of the host is fine where it is pinned, which all devices see.
std::vector<Buffer> buffers_of(std::span<const Argument> arguments, const std::string& name,
                               int device) {
  std::vector<Buffer> buffers;
  for (std::size_t a = 0; a < arguments.size(); ++a)
    for (std::size_t i = 0; i + sizeof(void*) <= arguments[a].size; i += sizeof(void*)) {
      std::uint64_t word = 0;
      std::memcpy(&word, static_cast<const char*>(arguments[a].bytes) + i, sizeof word);
      const void* p = reinterpret_cast<const void*>(word);
      const std::string which = "argument " + std::to_string(a + 1);
      if (in_device(p)) {
        // Padding may hold an address of memory that was freed since, or that another thread's
        // device had. It stays closed, so a kernel that does use it is found when it runs.
        const Allocation* of = find(p);
        if (!arguments[a].is_full && (!of || of->device != device)) continue;
        require_device({p, 0, "a pointer in an argument"}, name, device);
        buffers.push_back(whole_allocation(p));
        buffers.back().is_guess = !arguments[a].is_full;
      } else if (p && !is_pinned(p, 1)) {
        if (arguments[a].is_pointer) mistake(name + ": " + which + " is a pointer of the host");
        if (arguments[a].is_full && word > 0xffffffff && word < (std::uint64_t{1} << 47) &&
            is_mapped(word))
          mistake(name + ": " + which + " has a pointer of the host inside");
      }
    }
  return buffers;
}

cudaError_t check_limits(const void* kernel, dim3 grid, dim3 block, std::size_t shared_bytes) {
  const std::uint64_t threads = std::uint64_t{block.x} * block.y * block.z;
  const bool fits = threads >= 1 && threads <= 1024 && block.x <= 1024 && block.y <= 1024 &&
                    block.z <= 64 && grid.x >= 1 && grid.x <= 2147483647u && grid.y >= 1 &&
                    grid.y <= 65535 && grid.z >= 1 && grid.z <= 65535;
  if (!fits) return cudaErrorInvalidConfiguration;
  if (shared_bytes > dynamic_limit(kernel)) return cudaErrorInvalidValue;
  return cudaSuccess;
}

}  // namespace

void enqueue_kernel(const void* kernel, const char* types, dim3 grid, dim3 block,
                    std::size_t shared_bytes, cudaStream_t stream,
                    std::span<const Argument> arguments, std::function<void()> one_thread) {
  call("cudaLaunchKernel", [&] {
    if (const cudaError_t s = check_limits(kernel, grid, block, shared_bytes); s != cudaSuccess)
      return s;
    const auto s = stream_of(stream);
    if (s->device != current_device()) return cudaErrorInvalidResourceHandle;
    Task task{name_of(kernel, types), {}, {}, {}};
    task.buffers = buffers_of(arguments, task.name, s->device);
    const std::size_t limit = std::max(kShared, dynamic_limit(kernel));
    task.work = [=, body = std::move(one_thread)] {
      run_grid(grid, block, shared_bytes, limit, body);
    };
    return put(*s, std::move(task));
  });
}

}  // namespace standin

using namespace standin;

extern "C" {

cudaError_t cudaFuncSetAttribute(const void* kernel, cudaFuncAttribute attribute, int value) {
  return call(__func__, [&] {
    if (!kernel) return cudaErrorInvalidDeviceFunction;
    if (attribute == cudaFuncAttributePreferredSharedMemoryCarveout)
      return value >= -1 && value <= 100 ? cudaSuccess : cudaErrorInvalidValue;
    if (attribute != cudaFuncAttributeMaxDynamicSharedMemorySize) return cudaErrorInvalidValue;
    if (value < 0 || std::size_t(value) > kSharedOptIn) return cudaErrorInvalidValue;
    world().dynamic_shared[kernel] = value;
    return cudaSuccess;
  });
}
cudaError_t cudaFuncGetAttributes(cudaFuncAttributes* out, const void* kernel) {
  return call(__func__, [&] {
    if (!out) return cudaErrorInvalidValue;
    if (!kernel) return cudaErrorInvalidDeviceFunction;
    *out = {};
    out->maxThreadsPerBlock = 1024;
    out->maxDynamicSharedSizeBytes = int(dynamic_limit(kernel));
    out->binaryVersion = out->ptxVersion = 90;
    return cudaSuccess;
  });
}
// By threads, blocks and dynamic shared memory; the stand-in does not know registers.
cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int* out, const void* kernel, int threads,
                                                          size_t shared_bytes) {
  return call(__func__, [&] {
    if (!out || threads < 1) return cudaErrorInvalidValue;
    if (!kernel) return cudaErrorInvalidDeviceFunction;
    *out = 0;
    if (threads > 1024 || shared_bytes > dynamic_limit(kernel)) return cudaSuccess;
    const int warps = (threads + 31) / 32;
    const std::size_t by_shared = kSharedOfProcessor / (shared_bytes + kSharedReserved);
    *out = int(std::min<std::size_t>({std::size_t(64 / warps), 32, by_shared}));
    return cudaSuccess;
  });
}

}  // extern "C"
