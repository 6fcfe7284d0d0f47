// cuBLAS and cuDNN, loaded when they are first needed, so that one program runs on machines with
// and without them: their functions as tables of pointers.
#pragma once
#include <cublas_v2.h>
#include <cudnn.h>

namespace tuco::cuda {

// clang-format off
#define TUCO_CUBLAS_FUNCTIONS(F)                                              \
  F(cublasCreate_v2) F(cublasDestroy_v2) F(cublasSetStream_v2)                \
  F(cublasSetWorkspace_v2) F(cublasGemmStridedBatchedEx_64) F(cublasGetStatusString)

#define TUCO_CUDNN_FUNCTIONS(F)                                               \
  F(cudnnCreate) F(cudnnDestroy) F(cudnnSetStream)                            \
  F(cudnnGetErrorString) F(cudnnGetLastErrorString)                           \
  F(cudnnBackendCreateDescriptor) F(cudnnBackendDestroyDescriptor)            \
  F(cudnnBackendSetAttribute) F(cudnnBackendGetAttribute)                     \
  F(cudnnBackendFinalize) F(cudnnBackendExecute)
// clang-format on

#define TUCO_POINTER(name) decltype(&::name) name;
/// The functions of cuBLAS that the backend calls.
struct Cublas {
  TUCO_CUBLAS_FUNCTIONS(TUCO_POINTER)
};
/// The functions of cuDNN that the backend calls.
struct Cudnn {
  TUCO_CUDNN_FUNCTIONS(TUCO_POINTER)
};
#undef TUCO_POINTER

/// Loads the library at the first call: the file that the environment names in TUCO_CUBLAS or
/// TUCO_CUDNN, else the one that the loader finds, else that of the toolkit that Tuco was built
/// with. Throws DeviceError, naming what was tried, if there is none or a function is missing.
const Cublas& cublas();
const Cudnn& cudnn();

/// Throws CudaError with `what` and the library's own text unless the call succeeded; a failed
/// allocation throws OutOfMemory.
void check(cublasStatus_t status, const char* what);
void check(cudnnStatus_t status, const char* what);

}  // namespace tuco::cuda
