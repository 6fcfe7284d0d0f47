#include "tuco/devices/cuda/device_context.h"

#include <cstdlib>
#include <cstring>

#include "tuco/core/error.h"
#include "tuco/devices/cuda/convolution_plans.h"
#include "tuco/devices/cuda/libraries.h"

namespace tuco::cuda {
namespace {

constexpr size_t kBlasWorkspace = 32 << 20;

cudaDeviceProp properties_of(int index) {
  cudaDeviceProp properties{};
  check(cudaGetDeviceProperties(&properties, index), "cudaGetDeviceProperties");
  return properties;
}

/// Debuggers of memory see every tensor as an allocation of its own where TUCO_CUDA_CACHE is 0.
bool caches_memory() {
  const char* setting = std::getenv("TUCO_CUDA_CACHE");
  return !setting || std::strcmp(setting, "0") != 0;
}

}  // namespace

DeviceMemory::DeviceMemory(int index, cudaStream_t stream) : index_(index), stream_(stream) {
  int supported = 0;
  check(cudaDeviceGetAttribute(&supported, cudaDevAttrMemoryPoolsSupported, index),
        "cudaDeviceGetAttribute");
  pools_ = supported != 0;
}

void* DeviceMemory::map(size_t size) {
  const DeviceGuard guard(index_);
  void* block = nullptr;
  const cudaError_t status =
      pools_ ? cudaMallocAsync(&block, size, stream_) : cudaMalloc(&block, size);
  if (status == cudaErrorMemoryAllocation) {
    cudaGetLastError();
    return nullptr;
  }
  check(status, "cudaMalloc");
  return block;
}

void DeviceMemory::unmap(void* block) noexcept {
  // At the end of the program the driver may have gone before the last tensor.
  if ((pools_ ? cudaFreeAsync(block, stream_) : cudaFree(block)) != cudaSuccess) cudaGetLastError();
}

void DeviceMemory::throw_exhausted(size_t size, const MemoryStats& stats) {
  size_t available = 0, total = 0;
  if (cudaMemGetInfo(&available, &total) != cudaSuccess) cudaGetLastError();
  constexpr double kMiB = 1 << 20;
  throw OutOfMemory(fmt::format(
      "cuda:{}: out of memory: {:.1f} MiB asked for, {:.1f} of {:.1f} MiB free, {:.1f} MiB in "
      "tensors",
      index_, size / kMiB, available / kMiB, total / kMiB, stats.current_bytes / kMiB));
}

DeviceContext::DeviceContext(int index)
    : index_(index),
      properties_(properties_of(index)),
      memory_(index, stream_),
      allocator_(memory_, caches_memory()) {
  check(cudaMalloc(reinterpret_cast<void**>(&fault_), sizeof(Fault)), "cudaMalloc");
  check(cudaMemsetAsync(fault_, 0, sizeof(Fault), stream_), "cudaMemsetAsync");
}

DeviceContext::~DeviceContext() {
  convolutions_.reset();
  if (blas_) cublas().cublasDestroy_v2(blas_);
  if (dnn_) cudnn().cudnnDestroy(dnn_);
  cudaFree(blas_workspace_);
  cudaFree(fault_);
}

cublasHandle_t DeviceContext::blas() {
  if (!blas_) {
    refuse_in_capture("the start of cuBLAS");
    check(cublas().cublasCreate_v2(&blas_), "cublasCreate");
    if (!blas_workspace_) check(cudaMalloc(&blas_workspace_, kBlasWorkspace), "cudaMalloc");
    tie_blas();
  }
  return blas_;
}

void DeviceContext::tie_blas() {
  if (!blas_) return;
  check(cublas().cublasSetStream_v2(blas_, target()), "cublasSetStream");
  // A workspace of its own lets products be part of a CUDA graph, and their order of additions
  // not depend on what else runs. Another stream takes it away.
  check(cublas().cublasSetWorkspace_v2(blas_, blas_workspace_, kBlasWorkspace),
        "cublasSetWorkspace");
}

cudnnHandle_t DeviceContext::dnn() {
  if (!dnn_) {
    refuse_in_capture("the start of cuDNN");
    check(cudnn().cudnnCreate(&dnn_), "cudnnCreate");
    tie_dnn();
  }
  return dnn_;
}

void DeviceContext::tie_dnn() {
  if (dnn_) check(cudnn().cudnnSetStream(dnn_, target()), "cudnnSetStream");
}

void DeviceContext::begin_capture(const Capture& capture) {
  capture_ = capture;
  capturing_thread_ = std::this_thread::get_id();
  try {
    tie_blas();
    tie_dnn();
    // What other threads do on streams of their own is no part of it, and may go on.
    check(cudaStreamBeginCapture(capture.stream, cudaStreamCaptureModeThreadLocal),
          "cudaStreamBeginCapture");
  } catch (...) {
    end_capture();
    throw;
  }
}

void DeviceContext::end_capture() noexcept {
  capture_.reset();
  capturing_thread_ = std::thread::id();
  try {
    tie_blas();
  } catch (...) {
    cublas().cublasDestroy_v2(std::exchange(blas_, nullptr));  // the next product makes a new one
  }
  try {
    tie_dnn();
  } catch (...) {
    cudnn().cudnnDestroy(std::exchange(dnn_, nullptr));
  }
}

void DeviceContext::refuse_in_capture(const char* what) const {
  require<CudaError>(
      capturing_thread_.load(std::memory_order_relaxed) != std::this_thread::get_id(),
      "{} cannot be part of a CUDA graph", what);
}

ConvolutionPlans& DeviceContext::convolutions() {
  if (!convolutions_) convolutions_ = std::make_unique<ConvolutionPlans>(*this);
  return *convolutions_;
}

void DeviceContext::synchronize() {
  Fault found{};
  staging_.download(&found, fault_, sizeof found, stream_);
  check(cudaStreamSynchronize(stream_), "cudaStreamSynchronize");
  throw_fault(found);
}

void DeviceContext::download(void* destination, const void* source, size_t bytes) {
  Fault found{};
  staging_.download(destination, source, bytes, stream_);
  staging_.download(&found, fault_, sizeof found, stream_);
  throw_fault(found);
}

void DeviceContext::throw_fault(const Fault& fault) {
  if (fault.kind == Fault::none) return;
  check(cudaMemsetAsync(fault_, 0, sizeof(Fault), stream_), "cudaMemsetAsync");
  fail<ShapeError>("gather: index {} into dimension {} of size {}", fault.index, fault.dim,
                   fault.size);
}

}  // namespace tuco::cuda
