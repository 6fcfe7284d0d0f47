#include "tuco/devices/cuda/libraries.h"

#include <dlfcn.h>

#include <cstdlib>

#include "tuco/core/error.h"

namespace tuco::cuda {
namespace {

/// A shared library, open until the program ends.
class Library {
 public:
  /// `file` is its name with the version that the headers are of.
  Library(const char* name, const char* variable, const char* file) : name_(name) {
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

  template <class F>
  void find(F& function, const char* symbol) const {
    function = reinterpret_cast<F>(dlsym(handle_, symbol));
    require<DeviceError>(function,
                         "{} has no function {}: it is another version than this build of "
                         "Tuco wants",
                         name_, symbol);
  }

 private:
  const char* name_;
  void* handle_ = nullptr;
};

#define TUCO_TEXT(x) #x
#define TUCO_FILE(stem, major) "lib" stem ".so." TUCO_TEXT(major)

Cublas load_cublas() {
  const Library library("cuBLAS", "TUCO_CUBLAS", TUCO_FILE("cublas", CUBLAS_VER_MAJOR));
  Cublas table;
#define TUCO_FIND(name) library.find(table.name, #name);
  TUCO_CUBLAS_FUNCTIONS(TUCO_FIND)
  return table;
}

Cudnn load_cudnn() {
  const Library library("cuDNN", "TUCO_CUDNN", TUCO_FILE("cudnn", CUDNN_MAJOR));
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
