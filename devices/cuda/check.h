// The statuses of the CUDA libraries, as errors. For both compilers: nothing here that nvcc cannot
// read.
#pragma once
#include <cuda_runtime_api.h>

namespace tuco::cuda {

/// Throws CudaError with `what` and the runtime's own text unless the call succeeded; out of memory
/// throws OutOfMemory.
void check(cudaError_t status, const char* what);
/// The same for the launch of a kernel just made.
void check_launch();

}  // namespace tuco::cuda
