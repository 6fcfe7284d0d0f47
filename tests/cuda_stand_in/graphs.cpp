// Capture of streams and the graphs that it makes. A node is a task with the nodes that it comes
// after. A launch puts the nodes into the stream in an order that those allow: where the stand-in
// is lazy the last ones first, so that a branch that nothing ordered shows.
#include <algorithm>

#include "state.h"

namespace standin {

namespace {

thread_local cudaStreamCaptureMode thread_mode = cudaStreamCaptureModeGlobal;

// The nodes in an order that their edges allow.
std::vector<std::size_t> schedule(const Nodes& nodes) {
  World& w = world();
  std::vector<std::size_t> missing(nodes.size()), ready, result;
  std::vector<std::vector<std::size_t>> next(nodes.size());
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    missing[i] = nodes[i]->after.size();
    for (const std::size_t before : nodes[i]->after) next[before].push_back(i);
    if (missing[i] == 0) ready.push_back(i);
  }
  while (!ready.empty()) {
    auto pick = w.order == Order::kEager ? std::min_element(ready.begin(), ready.end())
                : w.order == Order::kLazy
                    ? std::max_element(ready.begin(), ready.end())
                    : ready.begin() + std::ptrdiff_t(w.random() % ready.size());
    const std::size_t i = *pick;
    ready.erase(pick);
    result.push_back(i);
    for (const std::size_t j : next[i])
      if (--missing[j] == 0) ready.push_back(j);
  }
  return result;
}

// Whether every node comes before the origin's end.
bool joined(const Capture& capture) {
  std::set<std::size_t> seen;
  std::vector<std::size_t> open(capture.origin->frontier.begin(), capture.origin->frontier.end());
  while (!open.empty()) {
    const std::size_t i = open.back();
    open.pop_back();
    if (!seen.insert(i).second) continue;
    open.insert(open.end(), capture.nodes[i]->after.begin(), capture.nodes[i]->after.end());
  }
  return seen.size() == capture.nodes.size();
}

void end(Capture& capture) {
  for (CUstream_st* s : capture.streams) {
    s->frontier.clear();
    const auto keep = std::move(s->capture);  // the last of them may own `capture`
    if (keep) std::erase(world().captures, keep);
  }
}

void require_graph(cudaGraph_t graph) {
  if (!world().graphs.contains(graph)) mistake("a graph that is not alive");
}

}  // namespace

cudaError_t invalidate(Capture& capture, cudaError_t status) {
  capture.invalid = true;
  return status;
}

cudaError_t refuse_in_capture() {
  if (thread_mode == cudaStreamCaptureModeRelaxed) return cudaSuccess;
  for (const auto& c : world().captures) {
    if (c->mode == cudaStreamCaptureModeRelaxed) continue;
    const bool own = c->thread == std::this_thread::get_id();
    const bool anyone =
        thread_mode == cudaStreamCaptureModeGlobal && c->mode == cudaStreamCaptureModeGlobal;
    if (own || anyone) return invalidate(*c, cudaErrorStreamCaptureUnsupported);
  }
  return cudaSuccess;
}

cudaError_t put_node(CUstream_st& stream, Task task) {
  Capture& c = *stream.capture;
  if (c.invalid) return cudaErrorStreamCaptureInvalidated;
  c.nodes.push_back(std::make_shared<CUgraphNode_st>(
      CUgraphNode_st{std::move(task), std::move(stream.frontier)}));
  stream.frontier = {c.nodes.size() - 1};
  return cudaSuccess;
}

cudaError_t wait_in_capture(CUstream_st& stream, CUevent_st& event) {
  if (!event.capture) {
    if (!event.point.stream) return cudaSuccess;  // never recorded
    return invalidate(*stream.capture, cudaErrorStreamCaptureIsolation);
  }
  const auto capture = event.capture;
  const bool over = std::find(world().captures.begin(), world().captures.end(), capture) ==
                    world().captures.end();
  if (over) return cudaErrorCapturedEvent;
  if (capture->invalid) return cudaErrorStreamCaptureInvalidated;
  if (stream.capture && stream.capture != capture) {
    invalidate(*stream.capture, cudaErrorStreamCaptureMerge);
    return invalidate(*capture, cudaErrorStreamCaptureMerge);
  }
  if (!stream.capture) {
    if (!world().streams.contains(&stream))  // the legacy stream
      return invalidate(*capture, cudaErrorStreamCaptureImplicit);
    stream.capture = capture;
    capture->streams.insert(&stream);
  }
  stream.frontier.insert(event.frontier.begin(), event.frontier.end());
  return cudaSuccess;
}

}  // namespace standin

using namespace standin;

extern "C" {

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode) {
  return call(__func__, [&] {
    if (!stream || stream == cudaStreamLegacy) return cudaErrorStreamCaptureUnsupported;
    const auto s = stream_of(stream);
    if (s->capture) return cudaErrorIllegalState;
    auto c = std::make_shared<Capture>();
    c->mode = mode;
    c->thread = std::this_thread::get_id();
    c->origin = s.get();
    c->streams.insert(s.get());
    s->capture = c;
    s->frontier.clear();
    world().captures.push_back(c);
    return cudaSuccess;
  });
}
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* out) {
  return call(__func__, [&] {
    if (!out) return cudaErrorInvalidValue;
    *out = nullptr;
    const auto s = stream_of(stream);
    if (!s->capture) return cudaErrorIllegalState;
    const auto c = s->capture;
    if (c->origin != s.get()) return invalidate(*c, cudaErrorStreamCaptureUnmatched);
    if (c->mode != cudaStreamCaptureModeRelaxed && c->thread != std::this_thread::get_id())
      return cudaErrorStreamCaptureWrongThread;
    const bool complete = joined(*c);
    end(*c);
    if (c->invalid) return cudaErrorStreamCaptureInvalidated;
    if (!complete) return cudaErrorStreamCaptureUnjoined;
    *out = new CUgraph_st{c->nodes};
    world().graphs.insert(*out);
    return cudaSuccess;
  });
}
cudaError_t cudaStreamIsCapturing(cudaStream_t stream, cudaStreamCaptureStatus* out) {
  return call(__func__, [&] {
    if (!out) return cudaErrorInvalidValue;
    const auto s = stream_of(stream);
    *out = !s->capture           ? cudaStreamCaptureStatusNone
           : s->capture->invalid ? cudaStreamCaptureStatusInvalidated
                                 : cudaStreamCaptureStatusActive;
    return cudaSuccess;
  });
}
cudaError_t cudaThreadExchangeStreamCaptureMode(cudaStreamCaptureMode* mode) {
  return call(__func__, [&] {
    if (!mode) return cudaErrorInvalidValue;
    std::swap(*mode, thread_mode);
    return cudaSuccess;
  });
}

cudaError_t cudaGraphGetNodes(cudaGraph_t graph, cudaGraphNode_t* nodes, size_t* count) {
  return call(__func__, [&] {
    if (!count) return cudaErrorInvalidValue;
    require_graph(graph);
    if (nodes)
      for (std::size_t i = 0; i < *count; ++i)
        nodes[i] = i < graph->nodes.size() ? graph->nodes[i].get() : nullptr;
    *count = nodes ? std::min(*count, graph->nodes.size()) : graph->nodes.size();
    return cudaSuccess;
  });
}
cudaError_t cudaGraphInstantiate(cudaGraphExec_t* out, cudaGraph_t graph, unsigned long long) {
  return call(__func__, [&] {
    if (!out) return cudaErrorInvalidValue;
    require_graph(graph);
    *out = new CUgraphExec_st{current_device(), graph->nodes};
    world().graph_execs.insert(*out);
    return cudaSuccess;
  });
}
cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t stream) {
  return call(__func__, [&] {
    if (!world().graph_execs.contains(exec))
      mistake("cudaGraphLaunch of a graph that is not alive");
    const auto s = stream_of(stream);
    for (const std::size_t i : schedule(exec->nodes))
      if (const cudaError_t status = put(*s, exec->nodes[i]->task); status != cudaSuccess)
        return status;
    return cudaSuccess;
  });
}
cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  return call(__func__, [&] {
    require_graph(graph);
    world().graphs.erase(graph);
    delete graph;
    return cudaSuccess;
  });
}
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec) {
  return call(__func__, [&] {
    if (!world().graph_execs.erase(exec)) mistake("cudaGraphExecDestroy of a graph not alive");
    delete exec;
    return cudaSuccess;
  });
}

}  // extern "C"
