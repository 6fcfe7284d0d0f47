// What the backend keeps for each GPU: its stream, the libraries' handles, its memory.
#pragma once
#include <cublas_v2.h>
#include <cudnn.h>

#include <atomic>
#include <mutex>
#include <optional>
#include <span>
#include <thread>

#include "tuco/core/precision.h"
#include "tuco/devices/caching_allocator.h"
#include "tuco/devices/cuda/fault.h"
#include "tuco/devices/cuda/handles.h"
#include "tuco/devices/cuda/staging.h"

namespace tuco::cuda {

class ConvolutionPlans;

/// The memory of one GPU, taken and given back in the order of a stream.
class DeviceMemory final : public MemorySource {
 public:
  DeviceMemory(int index, cudaStream_t stream);
  void* map(size_t size) override;
  void unmap(void* block) noexcept override;
  /// Throws OutOfMemory.
  [[noreturn]] void throw_exhausted(size_t size, const MemoryStats& stats) override;

 private:
  int index_;
  cudaStream_t stream_;
  /// Whether the device takes and gives back memory in the order of a stream; some embedded ones
  /// wait for everything instead.
  bool pools_ = false;
};

/// One GPU. All work goes through one stream, so that memory freed by the host can be given out
/// again at once: what uses it next comes after what used it last. The methods expect the GPU to be
/// the thread's current one and, but for the allocator, `mutex` to be held.
class DeviceContext {
 public:
  /// Throws CudaError where the device cannot be used.
  explicit DeviceContext(int index);
  ~DeviceContext();
  DeviceContext(const DeviceContext&) = delete;
  DeviceContext& operator=(const DeviceContext&) = delete;

  int index() const { return index_; }
  Device device() const { return Device::cuda(index_); }
  const cudaDeviceProp& properties() const { return properties_; }
  cudaStream_t stream() const { return stream_; }
  /// Copies go here that may overlap with what is computed.
  cudaStream_t copies() const { return copies_; }
  CachingAllocator& allocator() { return allocator_; }
  Staging& staging() { return staging_; }
  /// Where ops go: into the stream, or into what is captured.
  cudaStream_t target() const { return capture_ ? capture_->stream : stream_; }
  /// Created when first asked for; tied to the target.
  cublasHandle_t blas();
  cudnnHandle_t dnn();
  ConvolutionPlans& convolutions();

  /// Where kernels note what is wrong with their values.
  Fault* fault() { return fault_; }
  /// Waits for all that was put into the stream. Throws what a kernel noted.
  void synchronize();
  /// Copies from the device what the stream will have written, and waits. Throws as synchronize
  /// does.
  void download(void* destination, const void* source, size_t bytes);

  /// A stream that takes ops while a graph is made of them, and memory that the graph will have.
  struct Capture {
    cudaStream_t stream;
    std::span<std::byte> scratch;
  };
  /// Lets the ops of this thread, which holds `mutex` meanwhile, go into a capture: nothing may be
  /// asked of the device but ops that have run before. Other threads copy as ever.
  void begin_capture(const Capture& capture);
  void end_capture() noexcept;
  const Capture* capture() const { return capture_ ? &*capture_ : nullptr; }
  /// Throws CudaError if this thread is capturing: `what` does not go with that.
  void refuse_in_capture(const char* what) const;
  /// The most scratch memory that a bound op has used since this was set to 0.
  size_t most_scratch = 0;

  /// Held by whoever puts work into the stream.
  std::recursive_mutex mutex;

 private:
  void throw_fault(const Fault& fault);
  /// Ties the libraries' handles to the target.
  void tie_blas();
  void tie_dnn();

  int index_;
  cudaDeviceProp properties_{};
  Stream stream_, copies_;
  DeviceMemory memory_;
  CachingAllocator allocator_;
  Staging staging_;
  Fault* fault_ = nullptr;
  void* blas_workspace_ = nullptr;
  cublasHandle_t blas_ = nullptr;
  cudnnHandle_t dnn_ = nullptr;
  std::unique_ptr<ConvolutionPlans> convolutions_;
  std::optional<Capture> capture_;
  std::atomic<std::thread::id> capturing_thread_;
};

/// While it lives, the device is this thread's current one, and its stream this thread's alone.
struct Entry {
  explicit Entry(DeviceContext& context) : lock(context.mutex), guard(context.index()) {}
  std::lock_guard<std::recursive_mutex> lock;
  DeviceGuard guard;
};

}  // namespace tuco::cuda
