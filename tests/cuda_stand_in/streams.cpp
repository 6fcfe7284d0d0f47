// Streams and events. A stream is a queue, and nothing in it runs before something waits for it,
// and then only that stream and what it waits for itself (STANDIN_ORDER: lazy, eager or
// random:SEED). The thread that waits runs the tasks.
#include <algorithm>
#include <chrono>

#include "state.h"

namespace standin {

namespace {

thread_local bool host_function = false;

double milliseconds() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration<double, std::milli>(now).count();
}

void run(Task& task) {
  World& w = world();
  if (w.sticky != cudaSuccess) return;  // after a fault the device does nothing any more
  if (task.reached) *task.reached = milliseconds();
  if (w.fail_task_in > 0 && task.work && --w.fail_task_in == 0) {
    w.sticky = w.fail_task_with;
    return;
  }
  if (task.host) {
    close_all();
    host_function = true;
    struct Restore {
      ~Restore() { host_function = false; }
    } restore;
    task.work();
    return;
  }
  if (!task.work) return;
  std::vector<const Allocation*> buffers;
  for (const Buffer& b : task.buffers) {
    if (!in_device(b.at)) continue;
    if (b.is_guess && !is_allocated(b.at)) continue;
    require_device(b, task.name, -1);  // again: it may have been freed since
    const Allocation* a = find(b.at);
    if (std::find(buffers.begin(), buffers.end(), a) == buffers.end()) buffers.push_back(a);
  }
  open_only(buffers);
  set_running(task.name.c_str());
  struct Restore {
    ~Restore() { set_running(nullptr); }
  } restore;
  task.work();
  if (!task.buffers.empty()) require_untouched_around(buffers);
}

// Destroyed streams live on until their work is done.
void forget_finished() {
  World& w = world();
  for (Device& d : w.devices)
    std::erase_if(d.streams, [&](const auto& s) {
      return s != d.streams.front() && s->queue.empty() && !w.streams.contains(s.get());
    });
}

std::vector<std::shared_ptr<CUstream_st>> all_streams() {
  std::vector<std::shared_ptr<CUstream_st>> all;
  for (const Device& d : world().devices) all.insert(all.end(), d.streams.begin(), d.streams.end());
  return all;
}

// What runs on its own after a task was put into a queue.
void progress() {
  World& w = world();
  if (w.order == Order::kEager)
    for (const auto& s : all_streams()) run_until(*s, s->put, false);
  if (w.order != Order::kRandom) return;
  for (const auto& s : all_streams())
    if (s->put > s->done && w.random() % 2)
      run_until(*s, s->done + w.random() % (s->put - s->done + 1), false);
}

cudaError_t create(cudaStream_t* out, unsigned flags, int priority) {
  if (!out) return cudaErrorInvalidValue;
  if (flags & ~unsigned{cudaStreamNonBlocking}) return cudaErrorInvalidValue;
  auto s = std::make_shared<CUstream_st>();
  s->device = current_device();
  s->blocking = !(flags & cudaStreamNonBlocking);
  s->priority = priority;
  world().devices[std::size_t(s->device)].streams.push_back(s);
  world().streams.insert(s.get());
  *out = s.get();
  return cudaSuccess;
}

void require_event(cudaEvent_t e) {
  if (!world().events.contains(e)) mistake("an event that is not alive");
}

}  // namespace

bool in_host_function() { return host_function; }

std::shared_ptr<CUstream_st> stream_of(cudaStream_t stream) {
  World& w = world();
  if (stream == nullptr || stream == cudaStreamLegacy)
    return w.devices[std::size_t(current_device())].streams.front();
  if (stream == cudaStreamPerThread) mistake("the stand-in has no cudaStreamPerThread");
  if (!w.streams.contains(stream)) mistake("a stream that is not alive");
  return stream->shared_from_this();
}

int device_of(cudaStream_t stream) { return stream_of(stream)->device; }

cudaError_t put(CUstream_st& stream, Task task) {
  if (stream.capture) return put_node(stream, std::move(task));
  Device& d = world().devices[std::size_t(stream.device)];
  // The legacy stream and the blocking ones wait for each other.
  if (&stream == &d.legacy()) {
    for (const auto& s : d.streams) {
      if (s.get() == &stream || !s->blocking) continue;
      if (s->capture) return invalidate(*s->capture, cudaErrorStreamCaptureImplicit);
      if (s->put > s->done) task.waits.push_back({s, s->put});
    }
  } else if (stream.blocking && d.legacy().put > d.legacy().done) {
    task.waits.push_back({d.streams.front(), d.legacy().put});
  }
  stream.queue.push_back(std::move(task));
  ++stream.put;
  progress();
  return cudaSuccess;
}

cudaError_t enqueue(cudaStream_t stream, std::string name, std::vector<Buffer> buffers,
                    std::function<void()> work) {
  if (world().sticky != cudaSuccess) return world().sticky;
  const auto s = stream_of(stream);
  for (const Buffer& b : buffers)
    if (b.bytes) require_device(b, name, s->device);
  return put(*s, Task{std::move(name), std::move(buffers), std::move(work), {}});
}

bool run_until(CUstream_st& stream, std::uint64_t number, bool wait) {
  const auto alive = stream.shared_from_this();
  while (stream.done < number && !stream.queue.empty()) {
    const std::uint64_t front = stream.done;
    // Copies: while this thread waits, another may run the task.
    for (const Point& point : std::vector(stream.queue.front().waits))
      if (point.stream->done < point.number && !run_until(*point.stream, point.number, wait))
        return false;
    if (stream.done != front) continue;
    if (const auto ready = stream.queue.front().ready; ready && !ready(wait)) return false;
    if (stream.done != front) continue;
    Task task = std::move(stream.queue.front());
    stream.queue.pop_front();
    ++stream.done;
    run(task);
  }
  return stream.done >= number;
}
void drain(CUstream_st& stream) { run_until(stream, stream.put); }

void drain_device(int device) {
  for (const auto& s : std::vector(world().devices[std::size_t(device)].streams)) drain(*s);
  forget_finished();
}
void drain_all() {
  for (const auto& s : all_streams()) drain(*s);
  forget_finished();
}

}  // namespace standin

using namespace standin;

extern "C" {

// ---- streams ------------------------------------------------------------------------------------
cudaError_t cudaStreamCreate(cudaStream_t* s) {
  return call(__func__, [&] { return create(s, cudaStreamDefault, 0); });
}
cudaError_t cudaStreamCreateWithFlags(cudaStream_t* s, unsigned flags) {
  return call(__func__, [&] { return create(s, flags, 0); });
}
cudaError_t cudaStreamCreateWithPriority(cudaStream_t* s, unsigned flags, int priority) {
  return call(__func__, [&] { return create(s, flags, std::clamp(priority, -5, 0)); });
}
cudaError_t cudaStreamGetPriority(cudaStream_t stream, int* priority) {
  return call(__func__, [&] {
    *priority = stream_of(stream)->priority;
    return cudaSuccess;
  });
}
cudaError_t cudaDeviceGetStreamPriorityRange(int* least, int* greatest) {
  return call(__func__, [&] {
    if (least) *least = 0;
    if (greatest) *greatest = -5;
    return cudaSuccess;
  });
}
cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  return call(__func__, [&] {
    if (!stream || stream == cudaStreamLegacy) return cudaErrorInvalidResourceHandle;
    const auto s = stream_of(stream);
    if (s->capture) {  // ends the capture without a graph
      s->capture->invalid = true;
      s->capture->streams.erase(s.get());
      s->capture.reset();
    }
    world().streams.erase(stream);  // its work goes on without it
    return cudaSuccess;
  });
}
cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  return call(__func__, [&] {
    const auto s = stream_of(stream);
    if (s->capture) return invalidate(*s->capture, cudaErrorStreamCaptureUnsupported);
    if (const cudaError_t status = refuse_in_capture(); status != cudaSuccess) return status;
    drain(*s);
    return world().sticky;
  });
}
// A loop that asks until it is done must end: each answer "not yet" lets one task run.
cudaError_t cudaStreamQuery(cudaStream_t stream) {
  return call(__func__, [&] {
    const auto s = stream_of(stream);
    if (s->capture) return invalidate(*s->capture, cudaErrorStreamCaptureUnsupported);
    if (const cudaError_t status = refuse_in_capture(); status != cudaSuccess) return status;
    if (s->done == s->put) return cudaSuccess;
    run_until(*s, s->done + 1, false);
    return world().sticky != cudaSuccess ? world().sticky : cudaErrorNotReady;
  });
}
cudaError_t cudaDeviceSynchronize() {
  return call(__func__, [&] {
    if (const cudaError_t status = refuse_in_capture(); status != cudaSuccess) return status;
    drain_device(current_device());
    return world().sticky;
  });
}
cudaError_t cudaLaunchHostFunc(cudaStream_t stream, cudaHostFn_t function, void* data) {
  return call(__func__, [&] {
    if (!function) return cudaErrorInvalidValue;
    return put(*stream_of(stream),
               Task{"cudaLaunchHostFunc", {}, [=] { function(data); }, {}, true});
  });
}

// ---- events -------------------------------------------------------------------------------------
cudaError_t cudaEventCreateWithFlags(cudaEvent_t* out, unsigned flags) {
  return call(__func__, [&] {
    if (!out) return cudaErrorInvalidValue;
    auto* e = new CUevent_st;
    e->device = current_device();
    e->timing = !(flags & cudaEventDisableTiming);
    world().events.insert(e);
    *out = e;
    return cudaSuccess;
  });
}
cudaError_t cudaEventCreate(cudaEvent_t* out) {
  return cudaEventCreateWithFlags(out, cudaEventDefault);
}
cudaError_t cudaEventDestroy(cudaEvent_t e) {
  return call(__func__, [&] {
    require_event(e);
    world().events.erase(e);
    delete e;
    return cudaSuccess;
  });
}
cudaError_t cudaEventRecord(cudaEvent_t e, cudaStream_t stream) {
  return call(__func__, [&] {
    require_event(e);
    const auto s = stream_of(stream);
    if (e->device != s->device) return cudaErrorInvalidResourceHandle;
    if (s->capture) {
      if (s->capture->invalid) return cudaErrorStreamCaptureInvalidated;
      e->capture = s->capture;
      e->frontier = s->frontier;
      return cudaSuccess;
    }
    e->capture.reset();
    e->reached = std::make_shared<double>(-1);
    const cudaError_t status = put(*s, Task{"cudaEventRecord", {}, {}, {}, false, e->reached});
    if (status == cudaSuccess) e->point = {s, s->put};
    return status;
  });
}
cudaError_t cudaEventQuery(cudaEvent_t e) {
  return call(__func__, [&] {
    require_event(e);
    if (e->capture) return cudaErrorCapturedEvent;
    if (const cudaError_t status = refuse_in_capture(); status != cudaSuccess) return status;
    if (!e->point.stream || e->point.stream->done >= e->point.number) return cudaSuccess;
    run_until(*e->point.stream, e->point.stream->done + 1, false);
    return world().sticky != cudaSuccess ? world().sticky : cudaErrorNotReady;
  });
}
cudaError_t cudaEventSynchronize(cudaEvent_t e) {
  return call(__func__, [&] {
    require_event(e);
    if (e->capture) return cudaErrorCapturedEvent;
    if (const cudaError_t status = refuse_in_capture(); status != cudaSuccess) return status;
    if (e->point.stream) run_until(*e->point.stream, e->point.number);
    return world().sticky;
  });
}
cudaError_t cudaEventElapsedTime(float* out, cudaEvent_t start, cudaEvent_t end) {
  return call(__func__, [&] {
    require_event(start);
    require_event(end);
    if (!out) return cudaErrorInvalidValue;
    for (const cudaEvent_t e : {start, end}) {
      if (e->capture) return cudaErrorCapturedEvent;
      if (!e->timing || !e->reached || start->device != end->device)
        return cudaErrorInvalidResourceHandle;
    }
    for (const cudaEvent_t e : {start, end})
      if (*e->reached < 0) return cudaErrorNotReady;
    *out = float(*end->reached - *start->reached);
    return cudaSuccess;
  });
}
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t e, unsigned) {
  return call(__func__, [&] {
    require_event(e);
    const auto s = stream_of(stream);
    if (s->capture || e->capture) return wait_in_capture(*s, *e);
    if (!e->point.stream) return cudaSuccess;  // never recorded
    return put(*s, Task{"cudaStreamWaitEvent", {}, {}, {e->point}});
  });
}

}  // extern "C"
