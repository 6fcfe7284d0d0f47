// The one state of the pretended devices, the frame of each call, errors and planned faults.
#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "faults.h"
#include "settings.h"
#include "state.h"

namespace standin {

namespace {

thread_local cudaError_t last_error = cudaSuccess;
thread_local int depth = 0;
std::mutex changes_mutex;
std::condition_variable changes;
std::vector<FailCall*>& plans() {
  static std::vector<FailCall*> list;
  return list;
}
Refusals& cudnn_refusals() {
  static Refusals r;
  return r;
}

constexpr char kOrders[] = "lazy, eager or random:SEED";

bool set_order(World& w, const std::string& name) {
  const std::string random = "random:";
  if (name == "lazy") {
    w.order = Order::kLazy;
  } else if (name == "eager") {
    w.order = Order::kEager;
  } else if (name.starts_with(random)) {
    w.order = Order::kRandom;
    w.random.seed(unsigned(std::atoi(name.c_str() + random.size())));
  } else {
    return false;
  }
  return true;
}

World* make_world() {
  auto* w = new World;  // never destroyed: static objects of a program may still use it
  const char* devices = std::getenv("STANDIN_DEVICES");
  w->devices.resize(devices ? std::size_t(std::clamp(std::atoi(devices), 0, 8)) : 2);
  if (const char* order = std::getenv("STANDIN_ORDER"))
    if (!set_order(*w, order)) {
      std::fprintf(stderr, "stand-in: STANDIN_ORDER is %s, not %s\n", kOrders, order);
      std::abort();
    }
  for (std::size_t d = 0; d < w->devices.size(); ++d) {
    auto legacy = std::make_shared<CUstream_st>();
    legacy->device = int(d);
    w->devices[d].streams.push_back(legacy);
  }
  reserve_arenas(*w);
  return w;
}

// "cublasCreate" for "cublasCreate_v2", "cublasGemmEx" for "cublasGemmEx_64".
std::string plain_name(std::string name) {
  for (const char* ending : {"_v2", "_64"})
    if (name.ends_with(ending)) name.resize(name.size() - 3);
  return name;
}

}  // namespace

World& world() {
  static World& w = *make_world();
  return w;
}

void mistake(const std::string& what) {
  std::fprintf(stderr, "stand-in: %s\n", what.c_str());
  throw Mistake(what);
}

Call::Call(const char* function) : planned_(0) {
  World& w = world();
  w.mutex.lock();
  ++depth;
  if (!function) return;
  const std::string name = plain_name(function);
  ++w.calls[name];
  planned_ = planned_failure(name);
}

Call::~Call() {
  if (--depth == 0) close_all();
  world().mutex.unlock();
}

bool wait_for_threads(const std::function<bool()>& ready) {
  World& w = world();
  const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(w.patience);
  while (!ready()) {
    if (std::chrono::steady_clock::now() > end) return false;
    close_all();
    // One for each call that this thread is in.
    for (int i = 0; i < depth; ++i) w.mutex.unlock();
    {
      std::unique_lock lock(changes_mutex);
      changes.wait_for(lock, std::chrono::milliseconds(1));
    }
    for (int i = 0; i < depth; ++i) w.mutex.lock();
  }
  return true;
}
void wake_threads() { changes.notify_all(); }

std::int64_t calls(const std::string& function) {
  const std::lock_guard lock(world().mutex);
  const auto it = world().calls.find(plain_name(function));
  return it == world().calls.end() ? 0 : it->second;
}

Live live() {
  World& w = world();
  const std::lock_guard lock(w.mutex);
  Live result{w.allocations.size(), 0, w.pinned.size(), w.streams.size(), w.events.size()};
  for (const auto& [at, a] : w.allocations) result.bytes += a.bytes;
  return result;
}

RunOrder::RunOrder(const std::string& order) : before_(int(world().order)) {
  const std::lock_guard lock(world().mutex);
  if (!set_order(world(), order))
    throw std::invalid_argument("stand-in: an order is " + std::string(kOrders) + ", not " + order);
}
RunOrder::~RunOrder() {
  const std::lock_guard lock(world().mutex);
  world().order = static_cast<Order>(before_);
}

Patience::Patience(double seconds) {
  const std::lock_guard lock(world().mutex);
  before_ = std::exchange(world().patience, seconds);
}
Patience::~Patience() {
  const std::lock_guard lock(world().mutex);
  world().patience = before_;
}

// ---- errors -------------------------------------------------------------------------------------
cudaError_t remember(cudaError_t status) {
  if (status != cudaSuccess) last_error = status;
  return status;
}

cudaError_t refusal() {
  if (in_host_function()) return cudaErrorNotPermitted;
  if (world().devices.empty()) return cudaErrorNoDevice;
  return world().sticky;
}

// ---- planned faults -----------------------------------------------------------------------------
FailCall::FailCall(std::string function, int status, int n, int times)
    : function_(plain_name(std::move(function))), status_(status), n_(n), times_(times) {
  const std::lock_guard lock(world().mutex);
  plans().push_back(this);
}
FailCall::~FailCall() {
  const std::lock_guard lock(world().mutex);
  std::erase(plans(), this);
}

int planned_failure(const std::string& function) {
  int status = 0;
  for (FailCall* plan : plans()) {
    if (plan->function_ != function) continue;
    if (--plan->n_ > 0 || plan->n_ <= -plan->times_) continue;
    plan->happened_ = true;
    status = plan->status_;
  }
  return status;
}

FailTask::FailTask(int status, int n) {
  const std::lock_guard lock(world().mutex);
  world().fail_task_in = n;
  world().fail_task_with = static_cast<cudaError_t>(status);
}
FailTask::~FailTask() {
  const std::lock_guard lock(world().mutex);
  world().fail_task_in = 0;
  world().sticky = last_error = cudaSuccess;
}

MemoryLimit::MemoryLimit(std::size_t bytes) {
  const std::lock_guard lock(world().mutex);
  before_ = std::exchange(world().memory, bytes);
}
MemoryLimit::~MemoryLimit() {
  const std::lock_guard lock(world().mutex);
  world().memory = before_;
}

CudnnRefuses::CudnnRefuses(const Refusals& r) {
  const std::lock_guard lock(world().mutex);
  before_ = std::exchange(cudnn_refusals(), r);
}
CudnnRefuses::~CudnnRefuses() {
  const std::lock_guard lock(world().mutex);
  cudnn_refusals() = before_;
}
const Refusals& refusals() { return cudnn_refusals(); }

}  // namespace standin

using standin::last_error;

extern "C" {

cudaError_t cudaGetLastError() {
  if (standin::world().sticky != cudaSuccess) return standin::world().sticky;
  return std::exchange(last_error, cudaSuccess);
}
cudaError_t cudaPeekAtLastError() {
  return standin::world().sticky != cudaSuccess ? standin::world().sticky : last_error;
}

// Names and texts of the errors that the stand-in gives or that a test may plan.
#define STANDIN_ERRORS(X)                                                                         \
  X(cudaSuccess, "no error")                                                                      \
  X(cudaErrorInvalidValue, "invalid argument")                                                    \
  X(cudaErrorMemoryAllocation, "out of memory")                                                   \
  X(cudaErrorInitializationError, "initialization error")                                         \
  X(cudaErrorInvalidConfiguration, "invalid configuration argument")                              \
  X(cudaErrorInvalidPitchValue, "invalid pitch argument")                                         \
  X(cudaErrorInvalidDevicePointer, "invalid device pointer")                                      \
  X(cudaErrorInvalidMemcpyDirection, "invalid copy direction for memcpy")                         \
  X(cudaErrorInsufficientDriver, "CUDA driver version is insufficient for CUDA runtime version")  \
  X(cudaErrorNoDevice, "no CUDA-capable device is detected")                                      \
  X(cudaErrorInvalidDevice, "invalid device ordinal")                                             \
  X(cudaErrorNoKernelImageForDevice, "no kernel image is available for execution on the device")  \
  X(cudaErrorInvalidResourceHandle, "invalid resource handle")                                    \
  X(cudaErrorNotReady, "device not ready")                                                        \
  X(cudaErrorIllegalAddress, "an illegal memory access was encountered")                          \
  X(cudaErrorLaunchOutOfResources, "too many resources requested for launch")                     \
  X(cudaErrorLaunchTimeout, "the launch timed out and was terminated")                            \
  X(cudaErrorLaunchFailure, "unspecified launch failure")                                         \
  X(cudaErrorECCUncorrectable, "uncorrectable ECC error encountered")                             \
  X(cudaErrorNotPermitted, "operation not permitted")                                             \
  X(cudaErrorNotSupported, "operation not supported")                                             \
  X(cudaErrorStreamCaptureUnsupported, "operation not permitted when stream is capturing")        \
  X(cudaErrorStreamCaptureInvalidated, "operation failed due to a previous error during capture") \
  X(cudaErrorStreamCaptureMerge, "operation would result in a merge of separate captures")        \
  X(cudaErrorStreamCaptureUnmatched, "capture was not ended in the same stream as it began")      \
  X(cudaErrorStreamCaptureUnjoined, "capturing stream has unjoined work")                         \
  X(cudaErrorStreamCaptureIsolation, "dependency created on uncaptured work in another stream")   \
  X(cudaErrorStreamCaptureImplicit,                                                               \
    "operation would make the legacy stream depend on a capturing blocking stream")               \
  X(cudaErrorCapturedEvent,                                                                       \
    "operation not permitted on an event last recorded in a capturing stream")                    \
  X(cudaErrorStreamCaptureWrongThread,                                                            \
    "attempt to terminate a thread-local capture sequence from another thread")                   \
  X(cudaErrorUnknown, "unknown error")

const char* cudaGetErrorName(cudaError_t status) {
  switch (status) {
#define STANDIN_NAME(code, text) \
  case code:                     \
    return #code;
    STANDIN_ERRORS(STANDIN_NAME)
    default:
      return "unrecognized error code";
  }
}
const char* cudaGetErrorString(cudaError_t status) {
  switch (status) {
#define STANDIN_TEXT(code, text) \
  case code:                     \
    return text;
    STANDIN_ERRORS(STANDIN_TEXT)
    default:
      return "unrecognized error code";
  }
}

}  // extern "C"
