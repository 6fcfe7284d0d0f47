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
    check(cublas().cublasCreate_v2(&blas_), "cublasCreate");
    check(cublas().cublasSetStream_v2(blas_, stream_), "cublasSetStream");
    // A workspace of its own lets products be part of a CUDA graph, and their order of additions
    // not depend on what else runs.
    if (!blas_workspace_) check(cudaMalloc(&blas_workspace_, kBlasWorkspace), "cudaMalloc");
    check(cublas().cublasSetWorkspace_v2(blas_, blas_workspace_, kBlasWorkspace),
          "cublasSetWorkspace");
  }
  return blas_;
}

cudnnHandle_t DeviceContext::dnn() {
  if (!dnn_) {
    check(cudnn().cudnnCreate(&dnn_), "cudnnCreate");
    check(cudnn().cudnnSetStream(dnn_, stream_), "cudnnSetStream");
  }
  return dnn_;
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
