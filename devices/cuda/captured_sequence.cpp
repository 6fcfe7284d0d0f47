#include "tuco/devices/cuda/captured_sequence.h"

#include "tuco/core/error.h"

namespace tuco::cuda {
namespace {

/// Captures what this thread's ops put into the device as long as it lives. A stream of its own
/// takes it, so that copies of other threads, which do not wait for each other, stay outside.
class StreamCapture {
 public:
  StreamCapture(DeviceContext& device, std::span<std::byte> scratch) : device_(device) {
    device_.begin_capture({stream_, scratch});
  }
  ~StreamCapture() {
    if (!ended_) {
      cudaGraph_t rest = nullptr;
      if (cudaStreamEndCapture(stream_, &rest) == cudaSuccess) cudaGraphDestroy(rest);
      cudaGetLastError();  // or the next launch would report it
    }
    device_.end_capture();
  }
  StreamCapture(const StreamCapture&) = delete;
  StreamCapture& operator=(const StreamCapture&) = delete;

  ExecutableGraph end() {
    cudaGraph_t graph = nullptr;
    check(cudaStreamEndCapture(stream_, &graph), "cudaStreamEndCapture");
    ended_ = true;
    return ExecutableGraph(graph);
  }

 private:
  DeviceContext& device_;
  Stream stream_;
  bool ended_ = false;
};

}  // namespace

void CapturedSequence::run() {
  const Entry entry(device_);
  if (precision_ != float32_precision()) return run_first();
  if (!graph_ && note_.empty()) capture();
  if (graph_)
    graph_.launch(device_.stream());
  else
    BoundSequence::run();
}

void CapturedSequence::run_first() {
  graph_ = {};
  scratch_.reset();
  note_.clear();
  precision_.reset();
  const Float32Precision precision = float32_precision();
  device_.most_scratch = 0;
  BoundSequence::run();
  scratch_bytes_ = device_.most_scratch;
  precision_ = precision;
}

void CapturedSequence::capture() {
  const auto keep_reason = [&](const char* reason) {
    scratch_.reset();
    note_ = fmt::format("no CUDA graph: {}", reason);
  };
  try {
    std::span<std::byte> scratch;
    if (scratch_bytes_ > 0) {
      scratch_ = std::make_unique<Storage>(scratch_bytes_, device_.device());
      scratch = {static_cast<std::byte*>(scratch_->data()), scratch_bytes_};
    }
    StreamCapture capture(device_, scratch);
    BoundSequence::run();
    graph_ = capture.end();
  } catch (const Error& error) {
    keep_reason(error.what());
  } catch (const std::bad_alloc& error) {
    keep_reason(error.what());
  }
}

}  // namespace tuco::cuda
