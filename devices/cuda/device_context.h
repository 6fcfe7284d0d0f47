// What the backend keeps for each GPU: its stream, the libraries' handles, its memory.
#pragma once
#include <cublas_v2.h>
#include <cudnn.h>

#include <mutex>
#include <optional>

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
  /// Created when first asked for; tied to the stream.
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

  /// Held by whoever puts work into the stream.
  std::recursive_mutex mutex;

 private:
  void throw_fault(const Fault& fault);

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
};

}  // namespace tuco::cuda
