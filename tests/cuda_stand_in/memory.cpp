// Device memory: one reserved region, whose addresses are never used twice. The host cannot touch
// it, and a task only the allocations that its arguments point to: by mprotect, whole pages, with
// the rest of the pages compared after the task; in a build with AddressSanitizer by its poison, to
// the byte.
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "context.h"  // STANDIN_ASAN
#include "state.h"

namespace standin {

namespace {

constexpr std::size_t kPage = 4096, kRounding = 256;

// Read by the handler of faults: no lock there.
char* region = nullptr;
std::size_t region_bytes = 0;
thread_local const char* running = nullptr;

std::vector<Allocation>& opened() {
  static std::vector<Allocation> list;
  return list;
}

[[maybe_unused]] void on_fault(int signal_number, siginfo_t* info, void*) {
  const char* at = static_cast<const char*>(info->si_addr);
  if (at >= region && at < region + region_bytes) {
    char text[512];
    const int n = running ? std::snprintf(text, sizeof text,
                                          "stand-in: the task '%.300s' left its buffers at %p\n",
                                          running, static_cast<const void*>(at))
                          : std::snprintf(text, sizeof text,
                                          "stand-in: host code touched device memory at %p\n",
                                          static_cast<const void*>(at));
    if (write(2, text, std::size_t(n)) < 0) _exit(4);
    _exit(3);
  }
  if (below_a_stack(at)) {
    constexpr char kText[] = "stand-in: a kernel's thread has no more stack\n";
    if (write(2, kText, sizeof kText - 1) < 0) _exit(4);
    _exit(3);
  }
  signal(signal_number, SIG_DFL);  // the instruction runs again and ends the process as ever
}

// The one function that differs between the two ways of guarding.
void set_open([[maybe_unused]] const Allocation& a, [[maybe_unused]] bool open) {
#ifdef STANDIN_ASAN
  if (open)
    __asan_unpoison_memory_region(a.at, a.bytes);
  else
    __asan_poison_memory_region(a.base, a.pages);
#else
  if (mprotect(a.base, a.pages, open ? PROT_READ | PROT_WRITE : PROT_NONE) != 0) {
    std::perror("stand-in: mprotect");
    std::abort();
  }
#endif
}

// The bytes of an allocation's pages that belong to nobody, from `from` to `to`.
[[maybe_unused]] void require_untouched(const Allocation& a, const char* from, const char* to) {
  for (const char* p = from; p < to; ++p)
    if (*p != char(0xff)) {
      const std::string where =
          p < a.at ? std::to_string(a.at - p) + " bytes before"
                   : std::to_string(p - a.at - std::ptrdiff_t(a.bytes)) + " bytes past the end of";
      std::memset(const_cast<char*>(from), 0xff, std::size_t(to - from));
      mistake(std::string(running ? running : "a task") + " wrote " + where + " a buffer of " +
              std::to_string(a.bytes) + " bytes");
    }
}

[[maybe_unused]] void require_untouched(const Allocation& a) {
  require_untouched(a, std::max(a.base, a.at - kRounding), a.at);
  require_untouched(a, a.at + a.bytes, a.at + a.padded);
}

}  // namespace

void reserve_arenas(World& w) {
  if (w.devices.empty()) return;
  // 1 TiB of addresses for each device, or what the system gives; none are ever used again.
  for (std::size_t each = std::size_t{1} << 40; each >= std::size_t{1} << 35; each /= 2) {
    void* at = mmap(reinterpret_cast<void*>(0x200000000000), each * w.devices.size(), PROT_NONE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED) continue;
    w.arena = static_cast<char*>(at);
    w.arena_bytes = each;
    break;
  }
  if (!w.arena) {
    std::perror("stand-in: cannot reserve addresses for device memory");
    std::abort();
  }
  region = w.arena;
  region_bytes = w.arena_bytes * w.devices.size();
  for (std::size_t d = 0; d < w.devices.size(); ++d)
    w.devices[d].arena = w.arena + d * w.arena_bytes;
#ifndef STANDIN_ASAN
  struct sigaction action {};
  action.sa_sigaction = on_fault;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigaction(SIGSEGV, &action, nullptr);
#endif
}

bool in_device(const void* p) {
  const char* c = static_cast<const char*>(p);
  const World& w = world();
  return w.arena && c >= w.arena && c < w.arena + w.arena_bytes * w.devices.size();
}

const Allocation* find(const void* p) {
  const auto& all = world().allocations;
  auto it = all.upper_bound(static_cast<const char*>(p));
  if (it == all.begin()) return nullptr;
  --it;
  return static_cast<const char*>(p) <= it->first + it->second.bytes ? &it->second : nullptr;
}

bool is_pinned(const void* p, std::size_t bytes) {
  const auto& all = world().pinned;
  auto it = all.upper_bound(static_cast<const char*>(p));
  if (it == all.begin()) return false;
  --it;
  // As numbers: what is asked about may be no pointer.
  const auto begin = reinterpret_cast<std::uintptr_t>(it->first);
  return reinterpret_cast<std::uintptr_t>(p) - begin + bytes <= it->second;
}

void require_device(const Buffer& b, const std::string& task, int device) {
  const std::string who = task + ": " + b.name;
  if (!b.at) mistake(who + " is null");
  if (!in_device(b.at)) mistake(who + " is a pointer of the host");
  const Allocation* a = find(b.at);
  if (!a) mistake(who + " points to no live allocation (was it freed?)");
  const char* at = static_cast<const char*>(b.at);
  if (at + b.bytes > a->at + a->bytes)
    mistake(who + " needs " + std::to_string(b.bytes) + " bytes, its allocation has " +
            std::to_string(a->at + a->bytes - at) + " left");
  if (device >= 0 && a->device != device)
    mistake(who + " is memory of device " + std::to_string(a->device) +
            ", the work runs on device " + std::to_string(device));
}

bool is_allocated(const void* p) { return find(p) != nullptr; }

Buffer whole_allocation(const void* p) {
  const Allocation* a = find(p);
  return {p, a ? std::size_t(a->at + a->bytes - static_cast<const char*>(p)) : 1, "a pointer"};
}

cudaError_t allocate(void** out, std::size_t bytes, int device) {
  if (!out) return cudaErrorInvalidValue;
  *out = nullptr;
  if (bytes == 0) return cudaSuccess;
  World& w = world();
  Device& d = w.devices[std::size_t(device)];
  if (bytes > w.memory || d.used + bytes > w.memory) return cudaErrorMemoryAllocation;
  Allocation a;
  a.device = device;
  a.bytes = bytes;
  a.padded = (bytes + kRounding - 1) / kRounding * kRounding;
  a.pages = (a.padded + kPage - 1) / kPage * kPage;
  if (d.addresses + a.pages + kPage > w.arena_bytes) {
    std::fprintf(stderr, "stand-in: all addresses of device memory were used once\n");
    return cudaErrorMemoryAllocation;
  }
  a.base = d.arena + d.addresses;
  d.addresses += a.pages + kPage;  // and a page that nobody may touch
  d.used += a.padded;
  a.at = a.base + (a.pages - a.padded);  // the end of the buffer is the end of its pages
  if (mprotect(a.base, a.pages, PROT_READ | PROT_WRITE) != 0) return cudaErrorMemoryAllocation;
  std::memset(a.base, 0xff, a.pages);  // NaN, and an index far out of range
  set_open(a, false);
  w.allocations.emplace(a.at, a);
  *out = a.at;
  return cudaSuccess;
}

void release(void* p, const char* function) {
  World& w = world();
  const auto it = w.allocations.find(static_cast<char*>(p));
  if (it == w.allocations.end())
    mistake(std::string(function) + " of something that is not the start of a live allocation");
  const Allocation a = it->second;
  w.allocations.erase(it);
  w.devices[std::size_t(a.device)].used -= a.padded;
  std::erase_if(opened(), [&](const Allocation& o) { return o.at == a.at; });
#ifdef STANDIN_ASAN
  __asan_poison_memory_region(a.base, a.pages);
#endif
  // A new mapping gives the pages back and lets the kernel merge it with its neighbours.
  if (mmap(a.base, a.pages, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1,
           0) == MAP_FAILED) {
    std::perror("stand-in: mmap");
    std::abort();
  }
}

void open_only(const std::vector<const Allocation*>& wanted) {
  auto& open = opened();
  std::erase_if(open, [&](const Allocation& o) {
    if (std::any_of(wanted.begin(), wanted.end(), [&](auto* a) { return a->at == o.at; }))
      return false;
    set_open(o, false);
    return true;
  });
  for (const Allocation* a : wanted) {
    if (std::any_of(open.begin(), open.end(), [&](auto& o) { return o.at == a->at; })) continue;
    set_open(*a, true);
    open.push_back(*a);
  }
}

void require_untouched_around([[maybe_unused]] const std::vector<const Allocation*>& buffers) {
#ifndef STANDIN_ASAN
  for (const Allocation* a : buffers) require_untouched(*a);
#endif
}

void close_all() {
  for (const Allocation& a : opened()) set_open(a, false);
  opened().clear();
}

void set_running(const char* name) { running = name; }

}  // namespace standin

using namespace standin;

extern "C" {

cudaError_t cudaMalloc(void** p, size_t bytes) {
  return call(__func__, [&] {
    if (const cudaError_t status = refuse_in_capture(); status != cudaSuccess) return status;
    return allocate(p, bytes, current_device());
  });
}
cudaError_t cudaFree(void* p) {
  return call(__func__, [&] {
    if (!p) return cudaSuccess;
    if (const cudaError_t status = refuse_in_capture(); status != cudaSuccess) return status;
    if (const Allocation* a = find(p)) drain_device(a->device);
    release(p, "cudaFree");
    return cudaSuccess;
  });
}
cudaError_t cudaMallocAsync(void** p, size_t bytes, cudaStream_t stream) {
  return call(__func__, [&] {
    const auto s = stream_of(stream);
    // A node that allocates is more than the stand-in's graphs have.
    if (s->capture) return invalidate(*s->capture, cudaErrorStreamCaptureUnsupported);
    const cudaError_t status = allocate(p, bytes, s->device);
    if (status != cudaErrorMemoryAllocation) return status;
    drain(*s);  // what the stream has freed until here may be had again
    return allocate(p, bytes, s->device);
  });
}
cudaError_t cudaFreeAsync(void* p, cudaStream_t stream) {
  return call(__func__, [&] {
    if (!p) return cudaSuccess;
    const auto s = stream_of(stream);
    if (s->capture) return invalidate(*s->capture, cudaErrorStreamCaptureUnsupported);
    if (!world().allocations.contains(static_cast<char*>(p)))
      mistake("cudaFreeAsync of something that is not the start of a live allocation");
    return put(*s, Task{"cudaFreeAsync", {}, [p] { release(p, "cudaFreeAsync"); }, {}});
  });
}

static cudaError_t allocate_pinned(const char* function, void** p, size_t bytes) {
  return call(function, [&] {
    if (!p) return cudaErrorInvalidValue;
    *p = nullptr;
    if (bytes == 0) return cudaSuccess;
    if (const cudaError_t status = refuse_in_capture(); status != cudaSuccess) return status;
    *p = std::aligned_alloc(64, (bytes + 63) / 64 * 64);
    if (!*p) return cudaErrorMemoryAllocation;
    std::memset(*p, 0xff, bytes);
    world().pinned[static_cast<char*>(*p)] = bytes;
    return cudaSuccess;
  });
}
cudaError_t cudaHostAlloc(void** p, size_t bytes, unsigned) {
  return allocate_pinned(__func__, p, bytes);
}
cudaError_t cudaMallocHost(void** p, size_t bytes) { return allocate_pinned(__func__, p, bytes); }
cudaError_t cudaFreeHost(void* p) {
  return call(__func__, [&] {
    if (!p) return cudaSuccess;
    if (const cudaError_t status = refuse_in_capture(); status != cudaSuccess) return status;
    if (!world().pinned.contains(static_cast<char*>(p)))
      mistake("cudaFreeHost of something that is not the start of live pinned memory");
    drain_all();
    world().pinned.erase(static_cast<char*>(p));
    std::free(p);
    return cudaSuccess;
  });
}

cudaError_t cudaMemGetInfo(size_t* free, size_t* total) {
  return call(__func__, [&] {
    const World& w = world();
    const std::size_t used = w.devices[std::size_t(current_device())].used;
    if (total) *total = w.memory;
    if (free) *free = w.memory > used ? w.memory - used : 0;
    return cudaSuccess;
  });
}
cudaError_t cudaPointerGetAttributes(cudaPointerAttributes* out, const void* p) {
  return call(__func__, [&] {
    if (!out) return cudaErrorInvalidValue;
    *out = {};
    out->device = current_device();
    if (const Allocation* a = in_device(p) ? find(p) : nullptr) {
      out->type = cudaMemoryTypeDevice;
      out->device = a->device;
      out->devicePointer = const_cast<void*>(p);
    } else if (is_pinned(p, 1)) {
      out->type = cudaMemoryTypeHost;
      out->devicePointer = out->hostPointer = const_cast<void*>(p);
    } else {
      out->type = cudaMemoryTypeUnregistered;
      out->hostPointer = in_device(p) ? nullptr : const_cast<void*>(p);
    }
    return cudaSuccess;
  });
}

}  // extern "C"
