#include "tuco/devices/cuda/check.h"

#include "tuco/core/error.h"

namespace tuco::cuda {

void check(cudaError_t status, const char* what) {
  if (status == cudaSuccess) return;
  cudaGetLastError();  // or the next launch would report it once more
  if (status == cudaErrorMemoryAllocation)
    throw OutOfMemory(fmt::format("{}: {}", what, cudaGetErrorString(status)));
  fail<CudaError>("{}: {} ({})", what, cudaGetErrorString(status), cudaGetErrorName(status));
}

void check_launch() { check(cudaGetLastError(), "the launch of a kernel"); }

}  // namespace tuco::cuda
