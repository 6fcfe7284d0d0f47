#include "tuco/devices/cuda/libraries.h"

#include <dlfcn.h>

#include <cstdlib>

#include "tuco/core/error.h"
#include "tuco/devices/cuda/library.h"

namespace tuco::cuda {

Library::Library(const char* name, const char* variable, const char* file) : name_(name) {
  std::string tried;
  const auto attempt = [&](const char* path) {
    if (!handle_) handle_ = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!handle_) tried += fmt::format("; {}", dlerror());
  };
  if (const char* chosen = std::getenv(variable)) {
    attempt(chosen);
  } else {
#ifdef TUCO_CUDA_STAND_IN
    (void)file;
    attempt(nullptr);  // linked into the program
#else
    attempt(file);
    attempt((std::string(TUCO_CUDA_LIBRARY_FOLDER "/") + file).c_str());
#endif
  }
  require<DeviceError>(handle_, "{} cannot be loaded{}; {} may hold its path", name, tried,
                       variable);
}

void* Library::find(const char* symbol) const {
  void* function = dlsym(handle_, symbol);
  require<DeviceError>(function,
                       "{} has no function {}: it is another version than this build of "
                       "Tuco wants",
                       name_, symbol);
  return function;
}

namespace {

Cublas load_cublas() {
  const Library library("cuBLAS", "TUCO_CUBLAS", TUCO_LIBRARY_FILE("cublas", CUBLAS_VER_MAJOR));
  Cublas table;
#define TUCO_FIND(name) library.find(table.name, #name);
  TUCO_CUBLAS_FUNCTIONS(TUCO_FIND)
  return table;
}

Cudnn load_cudnn() {
  const Library library("cuDNN", "TUCO_CUDNN", TUCO_LIBRARY_FILE("cudnn", CUDNN_MAJOR));
  Cudnn table;
  TUCO_CUDNN_FUNCTIONS(TUCO_FIND)
#undef TUCO_FIND
  return table;
}

}  // namespace

const Cublas& cublas() {
  static const Cublas table = load_cublas();
  return table;
}

const Cudnn& cudnn() {
  static const Cudnn table = load_cudnn();
  return table;
}

void check(cublasStatus_t status, const char* what) {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  const char* text = cublas().cublasGetStatusString(status);
  if (status == CUBLAS_STATUS_ALLOC_FAILED) throw OutOfMemory(fmt::format("{}: {}", what, text));
  fail<CudaError>("{}: {}", what, text);
}

void check(cudnnStatus_t status, const char* what) {
  if (status == CUDNN_STATUS_SUCCESS) return;
  char detail[512] = "";
  cudnn().cudnnGetLastErrorString(detail, sizeof detail);
  const std::string text = fmt::format("{}: {}{}{}", what, cudnn().cudnnGetErrorString(status),
                                       *detail ? ": " : "", detail);
  if (status == CUDNN_STATUS_ALLOC_FAILED) throw OutOfMemory(text);
  fail<CudaError>("{}", text);
}

}  // namespace tuco::cuda
