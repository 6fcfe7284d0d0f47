// The state of the pretended devices: for the files of the runtime's stand-in alone.
#pragma once
#include <cuda_runtime_api.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "device.h"

namespace standin {

struct Capture;

/// A point in a stream: after its task number `number`, counted from 1.
struct Point {
  std::shared_ptr<CUstream_st> stream;
  std::uint64_t number = 0;
};

/// What a stream runs at once.
struct Task {
  std::string name;
  std::vector<Buffer> buffers;
  std::function<void()> work;
  /// What it waits for besides the tasks before it in its stream.
  std::vector<Point> waits;
  /// Whether `work` is code of the host, from which no call of the runtime is allowed.
  bool host = false;
  /// For an event: where the time goes at which it is reached.
  std::shared_ptr<double> reached;
  /// Where the work is that of several devices: whether all have come to it. With `wait` it gives
  /// the lock to the threads that it waits for; without, it says how things are.
  std::function<bool(bool wait)> ready;
};

}  // namespace standin

struct CUstream_st : std::enable_shared_from_this<CUstream_st> {
  int device = 0;
  bool blocking = true;
  int priority = 0;
  std::deque<standin::Task> queue;
  /// How many tasks were put into the queue and taken out of it.
  std::uint64_t put = 0, done = 0;
  /// What is being captured, and the nodes that the next one comes after.
  std::shared_ptr<standin::Capture> capture;
  std::set<std::size_t> frontier;
};

struct CUevent_st {
  int device = 0;
  bool timing = true;
  /// Where it was recorded last; no stream: never.
  standin::Point point;
  /// When it was reached, in milliseconds; shared with the task that sets it.
  std::shared_ptr<double> reached;
  /// Where it was recorded in a capture.
  std::shared_ptr<standin::Capture> capture;
  std::set<std::size_t> frontier;
};

/// A task of a graph, after others of it.
struct CUgraphNode_st {
  standin::Task task;
  std::set<std::size_t> after;
};
using Nodes = std::vector<std::shared_ptr<CUgraphNode_st>>;
struct CUgraph_st {
  Nodes nodes;
};
struct CUgraphExec_st {
  int device = 0;
  Nodes nodes;
};

namespace standin {

/// A capture under way, shared by the streams that take part.
struct Capture {
  cudaStreamCaptureMode mode = cudaStreamCaptureModeGlobal;
  std::thread::id thread;
  CUstream_st* origin = nullptr;
  std::set<CUstream_st*> streams;
  Nodes nodes;
  bool invalid = false;
};

enum class Order { kLazy, kEager, kRandom };

/// A piece of device memory: [at, at + bytes), in pages of its own.
struct Allocation {
  int device = 0;
  char* at = nullptr;
  std::size_t bytes = 0, padded = 0;
  char* base = nullptr;
  std::size_t pages = 0;
};

struct Device {
  char* arena = nullptr;
  /// How much of the arena's addresses and of its memory is in use.
  std::size_t addresses = 0, used = 0;
  /// The alive ones, and the destroyed ones that still have work; the legacy stream is the first.
  std::vector<std::shared_ptr<CUstream_st>> streams;
  CUstream_st& legacy() { return *streams.front(); }
};

struct World {
  std::recursive_mutex mutex;
  std::vector<Device> devices;
  char* arena = nullptr;
  std::size_t arena_bytes = 0;  // of each device
  std::size_t memory = std::size_t{16} << 30;
  std::map<const char*, Allocation> allocations;  // by start
  std::map<const char*, std::size_t> pinned;
  std::set<cudaStream_t> streams;  // alive, without the legacy ones
  std::set<cudaEvent_t> events;
  std::set<cudaGraph_t> graphs;
  std::set<cudaGraphExec_t> graph_execs;
  std::vector<std::shared_ptr<Capture>> captures;
  std::map<const void*, int> dynamic_shared;  // cudaFuncSetAttribute, by kernel
  std::map<std::string, std::int64_t> calls;
  Order order = Order::kLazy;
  double patience = 10;
  std::mt19937 random{1};
  /// A fault of a device: what every call returns from then on.
  cudaError_t sticky = cudaSuccess;
  /// In how many tasks the planned fault comes; 0: none is planned.
  int fail_task_in = 0;
  cudaError_t fail_task_with = cudaSuccess;
};
World& world();

// ---- errors (errors.cpp) ------------------------------------------------------------------------
/// Keeps a status for cudaGetLastError, and returns it.
cudaError_t remember(cudaError_t status);
/// Whether the runtime refuses all calls: no device, a fault of one, or a host function's call.
cudaError_t refusal();

/// Lets other threads call until `ready` holds, which is looked at under the lock; device memory is
/// closed meanwhile. False if they did not bring it about in time (Patience).
bool wait_for_threads(const std::function<bool()>& ready);
/// Wakes the threads in wait_for_threads: something has changed.
void wake_threads();

/// The frame of a call of the runtime: `body` under the lock, unless a test or an earlier fault has
/// decided already.
template <class Body>
cudaError_t call(const char* function, Body body) {
  const Call entry(function);
  if (entry.planned()) return remember(static_cast<cudaError_t>(entry.planned()));
  if (const cudaError_t status = refusal(); status != cudaSuccess) return remember(status);
  return remember(body());
}

// ---- memory (memory.cpp) ------------------------------------------------------------------------
void reserve_arenas(World& w);
/// The live allocation that holds `p`, one past its end included; null for none.
const Allocation* find(const void* p);
/// Whether [p, p + bytes) is pinned memory of the host.
bool is_pinned(const void* p, std::size_t bytes);
cudaError_t allocate(void** out, std::size_t bytes, int device);
void release(void* p, const char* function);
/// Opens these allocations for a task, closing all others.
void open_only(const std::vector<const Allocation*>& wanted);
/// A mistake where a task wrote beside its buffers (seen without AddressSanitizer, which stops it).
void require_untouched_around(const std::vector<const Allocation*>& buffers);
/// Closes all device memory.
void close_all();
/// Names the task that runs, for the report of a fault.
void set_running(const char* name);

// ---- streams (streams.cpp) ----------------------------------------------------------------------
/// The alive stream of this handle; null or cudaStreamLegacy is that of the current device.
std::shared_ptr<CUstream_st> stream_of(cudaStream_t stream);
/// Puts a task into a stream, or into the graph that it captures.
cudaError_t put(CUstream_st& stream, Task task);
/// Runs the stream's tasks up to that number, and says whether it came so far: without `wait` it
/// ends before a task that is not ready.
bool run_until(CUstream_st& stream, std::uint64_t number, bool wait = true);
void drain(CUstream_st& stream);
void drain_device(int device);
void drain_all();
/// Whether the thread runs a host function in a stream.
bool in_host_function();

// ---- graphs (graphs.cpp) ------------------------------------------------------------------------
/// Refuses a call that is unsafe while a capture is under way, and spoils the capture.
cudaError_t refuse_in_capture();
/// Spoils a capture: it can only be ended, with an error.
cudaError_t invalidate(Capture& capture, cudaError_t status);
/// Puts a task into the graph that a stream captures.
cudaError_t put_node(CUstream_st& stream, Task task);
/// cudaStreamWaitEvent where the stream or the event's stream is captured.
cudaError_t wait_in_capture(CUstream_st& stream, CUevent_st& event);

}  // namespace standin
