// The stand-in of cuBLAS: products of matrices, column-major. Every operand's full extent is
// checked at the call, and the combinations of types are those that cuBLAS documents.
#include <cublas_v2.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <vector>

#include "device.h"
#include "matmul.h"
#include "numbers.h"

struct cublasContext {
  int device = 0;
  cudaStream_t stream = nullptr;
  cublasMath_t math = CUBLAS_DEFAULT_MATH;
  cublasPointerMode_t pointers = CUBLAS_POINTER_MODE_HOST;
  void* workspace = nullptr;
  std::size_t workspace_bytes = 0;
};

namespace {

using standin::Buffer;
using standin::Matrix;
using std::int64_t;

std::set<cublasHandle_t>& handles() {
  static auto& alive = *new std::set<cublasHandle_t>;
  return alive;
}

std::size_t size_of(cudaDataType type) {
  switch (type) {
    case CUDA_R_64F:
      return 8;
    case CUDA_R_32F:
    case CUDA_R_32I:
      return 4;
    case CUDA_R_16F:
    case CUDA_R_16BF:
      return 2;
    case CUDA_R_8I:
      return 1;
    default:
      return 0;
  }
}

// One product, or `batch` of them that are a stride apart.
struct Gemm {
  bool transpose_a, transpose_b;
  int64_t m, n, k;
  const void* a;
  cudaDataType a_type;
  int64_t lda, stride_a;
  const void* b;
  cudaDataType b_type;
  int64_t ldb, stride_b;
  void* c;
  cudaDataType c_type;
  int64_t ldc, stride_c, batch;
  cublasComputeType_t compute;
};

// How the factors are rounded before they are multiplied.
enum class Rounding { kNone, kTf32, kHalf, kBfloat16 };

float rounded(float x, Rounding rounding) {
  switch (rounding) {
    case Rounding::kTf32:
      return standin::to_tf32(x);
    case Rounding::kHalf:
      return standin::to_half(x);
    case Rounding::kBfloat16:
      return standin::to_bfloat16(x);
    case Rounding::kNone:
      break;
  }
  return x;
}

// Whether cuBLAS documents this combination of types (the table of cublasGemmEx).
bool supported(const Gemm& g) {
  if (g.a_type != g.b_type) return false;
  const cudaDataType in = g.a_type, out = g.c_type;
  switch (g.compute) {
    case CUBLAS_COMPUTE_32F:
    case CUBLAS_COMPUTE_32F_PEDANTIC:
      if (in == CUDA_R_16F || in == CUDA_R_16BF) return out == in || out == CUDA_R_32F;
      return (in == CUDA_R_32F || in == CUDA_R_8I) && out == CUDA_R_32F;
    case CUBLAS_COMPUTE_32F_FAST_TF32:
    case CUBLAS_COMPUTE_32F_FAST_16F:
    case CUBLAS_COMPUTE_32F_FAST_16BF:
      return in == CUDA_R_32F && out == CUDA_R_32F;
    case CUBLAS_COMPUTE_64F:
    case CUBLAS_COMPUTE_64F_PEDANTIC:
      return in == CUDA_R_64F && out == CUDA_R_64F;
    case CUBLAS_COMPUTE_32I:
    case CUBLAS_COMPUTE_32I_PEDANTIC:
      return in == CUDA_R_8I && out == CUDA_R_32I;
    default:
      return false;
  }
}

Rounding rounding_of(const Gemm& g, cublasMath_t math) {
  if (g.a_type != CUDA_R_32F) return Rounding::kNone;
  if (g.compute == CUBLAS_COMPUTE_32F_FAST_16F) return Rounding::kHalf;
  if (g.compute == CUBLAS_COMPUTE_32F_FAST_16BF) return Rounding::kBfloat16;
  const bool tf32 = g.compute == CUBLAS_COMPUTE_32F_FAST_TF32 ||
                    (g.compute == CUBLAS_COMPUTE_32F && math == CUBLAS_TF32_TENSOR_OP_MATH);
  return tf32 ? Rounding::kTf32 : Rounding::kNone;
}

template <class T>
Matrix<T> operand(const void* at, int64_t offset, int64_t ld, bool transpose) {
  return {static_cast<const T*>(at) + offset, transpose ? ld : 1, transpose ? 1 : ld};
}

// The matrix as float, rows one after the other in each column.
template <class T>
std::vector<float> converted(Matrix<T> x, int64_t rows, int64_t columns, Rounding rounding) {
  std::vector<float> result(std::size_t(rows * columns));
  float* out = result.data();
  for (int64_t j = 0; j < columns; ++j)
    for (int64_t i = 0; i < rows; ++i)
      *out++ = rounded(standin::load(x.at + i * x.row + j * x.column), rounding);
  return result;
}

// c = alpha * product + beta * c; c is not read where beta is 0.
template <class T, class Sum>
void blend(const std::vector<Sum>& product, const Gemm& g, T* c, Sum alpha, Sum beta) {
  const auto read = [](const T* p) -> Sum {
    if constexpr (std::is_same_v<T, Sum>)
      return *p;
    else
      return standin::load(p);
  };
  for (int64_t j = 0; j < g.n; ++j)
    for (int64_t i = 0; i < g.m; ++i) {
      T* at = c + i + j * g.ldc;
      Sum value = alpha * product[std::size_t(i + j * g.m)];
      if (beta != 0) value += beta * read(at);
      if constexpr (std::is_same_v<T, Sum>)
        *at = value;
      else
        standin::store(at, value);
    }
}

template <class T>
void multiply_real(const Gemm& g, int64_t q, const void* alpha, const void* beta,
                   std::vector<T>& product, Matrix<T> a, Matrix<T> b) {
  standin::multiply<T>(g.m, g.n, g.k, a, b, product.data(), g.m, false);
  if constexpr (std::is_same_v<T, double>) {
    blend(product, g, static_cast<double*>(g.c) + q * g.stride_c,
          *static_cast<const double*>(alpha), *static_cast<const double*>(beta));
  } else {
    const float x = *static_cast<const float*>(alpha), y = *static_cast<const float*>(beta);
    if (g.c_type == CUDA_R_32F)
      blend(product, g, static_cast<float*>(g.c) + q * g.stride_c, x, y);
    else if (g.c_type == CUDA_R_16F)
      blend(product, g, static_cast<__half*>(g.c) + q * g.stride_c, x, y);
    else
      blend(product, g, static_cast<__nv_bfloat16*>(g.c) + q * g.stride_c, x, y);
  }
}

template <class T>
void multiply_as_float(const Gemm& g, Rounding rounding, const void* alpha, const void* beta) {
  std::vector<float> product(std::size_t(g.m * g.n));
  for (int64_t q = 0; q < g.batch; ++q) {
    const auto a = operand<T>(g.a, q * g.stride_a, g.lda, g.transpose_a);
    const auto b = operand<T>(g.b, q * g.stride_b, g.ldb, g.transpose_b);
    if constexpr (std::is_same_v<T, float>)
      if (rounding == Rounding::kNone) {
        multiply_real<float>(g, q, alpha, beta, product, a, b);
        continue;
      }
    const auto fa = converted(a, g.m, g.k, rounding), fb = converted(b, g.k, g.n, rounding);
    multiply_real<float>(g, q, alpha, beta, product, {fa.data(), 1, g.m}, {fb.data(), 1, g.k});
  }
}

void multiply_double(const Gemm& g, const void* alpha, const void* beta) {
  std::vector<double> product(std::size_t(g.m * g.n));
  for (int64_t q = 0; q < g.batch; ++q)
    multiply_real<double>(g, q, alpha, beta, product,
                          operand<double>(g.a, q * g.stride_a, g.lda, g.transpose_a),
                          operand<double>(g.b, q * g.stride_b, g.ldb, g.transpose_b));
}

// Sums of int8 products that wrap in 32 bits; depth goes innermost, in rows of their own.
void multiply_int8(const Gemm& g, const void* alpha, const void* beta) {
  const auto wrap = [](std::int32_t x, std::int32_t y) {
    return std::uint32_t(x) * std::uint32_t(y);
  };
  const std::int32_t x = *static_cast<const std::int32_t*>(alpha);
  const std::int32_t y = *static_cast<const std::int32_t*>(beta);
  std::vector<std::int16_t> left(std::size_t(g.m * g.k)), right(std::size_t(g.k));
  for (int64_t q = 0; q < g.batch; ++q) {
    const auto a = operand<std::int8_t>(g.a, q * g.stride_a, g.lda, g.transpose_a);
    const auto b = operand<std::int8_t>(g.b, q * g.stride_b, g.ldb, g.transpose_b);
    for (int64_t i = 0; i < g.m; ++i)
      for (int64_t p = 0; p < g.k; ++p)
        left[std::size_t(i * g.k + p)] = a.at[i * a.row + p * a.column];
    for (int64_t j = 0; j < g.n; ++j) {
      for (int64_t p = 0; p < g.k; ++p) right[std::size_t(p)] = b.at[p * b.row + j * b.column];
      for (int64_t i = 0; i < g.m; ++i) {
        std::uint32_t sum = 0;
        const std::int16_t* row = left.data() + i * g.k;
        for (int64_t p = 0; p < g.k; ++p)
          sum += std::uint32_t(std::int32_t(row[p]) * right[std::size_t(p)]);
        auto* c = static_cast<std::int32_t*>(g.c) + q * g.stride_c + i + j * g.ldc;
        *c = std::int32_t(wrap(x, std::int32_t(sum)) + (y ? wrap(y, *c) : 0));
      }
    }
  }
}

void run(const Gemm& g, Rounding rounding, const void* alpha, const void* beta) {
  switch (g.a_type) {
    case CUDA_R_64F:
      return multiply_double(g, alpha, beta);
    case CUDA_R_32F:
      return multiply_as_float<float>(g, rounding, alpha, beta);
    case CUDA_R_16F:
      return multiply_as_float<__half>(g, rounding, alpha, beta);
    case CUDA_R_16BF:
      return multiply_as_float<__nv_bfloat16>(g, rounding, alpha, beta);
    default:
      break;
  }
  if (g.c_type == CUDA_R_32F)
    multiply_as_float<std::int8_t>(g, rounding, alpha, beta);
  else
    multiply_int8(g, alpha, beta);
}

bool is_operation(cublasOperation_t op) {
  return op == CUBLAS_OP_N || op == CUBLAS_OP_T || op == CUBLAS_OP_C;
}

cublasStatus_t gemm(cublasHandle_t h, const Gemm& g, const void* alpha, const void* beta) {
  if (!handles().contains(h)) return CUBLAS_STATUS_NOT_INITIALIZED;
  if (standin::current_device() != h->device)
    standin::mistake("cuBLAS: the handle was made for device " + std::to_string(h->device) +
                     ", the current device is " + std::to_string(standin::current_device()));
  const auto at_least = [](int64_t ld, int64_t rows) { return ld >= std::max<int64_t>(1, rows); };
  if (g.m < 0 || g.n < 0 || g.k < 0 || g.batch < 0 || !alpha || !beta ||
      !at_least(g.lda, g.transpose_a ? g.k : g.m) || !at_least(g.ldb, g.transpose_b ? g.n : g.k) ||
      !at_least(g.ldc, g.m))
    return CUBLAS_STATUS_INVALID_VALUE;
  if (!supported(g)) return CUBLAS_STATUS_NOT_SUPPORTED;
  // Documented for 32I: 4-byte aligned operands and leading dimensions that are multiples of 4.
  const auto aligned = [](const void* p) { return reinterpret_cast<std::uintptr_t>(p) % 4 == 0; };
  if (g.c_type == CUDA_R_32I && (g.lda % 4 || g.ldb % 4 || !aligned(g.a) || !aligned(g.b) ||
                                 g.stride_a % 4 || g.stride_b % 4))
    return CUBLAS_STATUS_NOT_SUPPORTED;
  if (g.m == 0 || g.n == 0 || g.batch == 0) return CUBLAS_STATUS_SUCCESS;
  // The batch's strides may be 0, or even negative only in theory: refuse what nobody means.
  if (g.batch > 1 && (g.stride_a < 0 || g.stride_b < 0 || g.stride_c < 0))
    return CUBLAS_STATUS_INVALID_VALUE;
  if (g.batch > 1 && g.stride_c < g.ldc * (g.n - 1) + g.m)
    standin::mistake("cuBLAS: the results of a batch overlap: " + std::to_string(g.stride_c) +
                     " elements apart, each takes " + std::to_string(g.ldc * (g.n - 1) + g.m));
  const auto extent = [&](int64_t rows, int64_t columns, int64_t ld, int64_t stride,
                          cudaDataType type) {
    return std::size_t(stride * (g.batch - 1) + ld * (columns - 1) + rows) * size_of(type);
  };
  std::vector<Buffer> buffers{{g.c, extent(g.m, g.n, g.ldc, g.stride_c, g.c_type), "C"}};
  if (g.k > 0) {
    buffers.push_back({g.a,
                       g.transpose_a ? extent(g.k, g.m, g.lda, g.stride_a, g.a_type)
                                     : extent(g.m, g.k, g.lda, g.stride_a, g.a_type),
                       "A"});
    buffers.push_back({g.b,
                       g.transpose_b ? extent(g.n, g.k, g.ldb, g.stride_b, g.b_type)
                                     : extent(g.k, g.n, g.ldb, g.stride_b, g.b_type),
                       "B"});
  }
  const std::size_t scalar = g.c_type == CUDA_R_64F ? 8 : 4;
  // From the host the scalars are read now, from the device when the product runs.
  std::vector<unsigned char> scalars(16);
  const bool host = h->pointers == CUBLAS_POINTER_MODE_HOST;
  if (host) {
    if (standin::in_device(alpha) || standin::in_device(beta))
      standin::mistake("cuBLAS: alpha or beta is device memory, the pointer mode is of the host");
    std::memcpy(scalars.data(), alpha, scalar);
    std::memcpy(scalars.data() + 8, beta, scalar);
  } else {
    buffers.push_back({alpha, scalar, "alpha"});
    buffers.push_back({beta, scalar, "beta"});
  }
  void* workspace = h->workspace;
  const std::size_t workspace_bytes = workspace ? h->workspace_bytes : 0;
  if (workspace_bytes) buffers.push_back({workspace, workspace_bytes, "the workspace"});
  const Rounding rounding = rounding_of(g, h->math);
  const cudaError_t status = standin::enqueue(h->stream, "cuBLAS product", std::move(buffers), [=] {
    if (workspace_bytes) std::memset(workspace, 0xff, workspace_bytes);  // nothing survives in it
    run(g, rounding, host ? scalars.data() : alpha, host ? scalars.data() + 8 : beta);
  });
  return status == cudaSuccess ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_EXECUTION_FAILED;
}

// The frame of each function: the lock, planned failures, a handle that is alive.
template <class Body>
cublasStatus_t call(const char* function, cublasHandle_t h, Body body) {
  const standin::Call entry(function);
  if (entry.planned()) return static_cast<cublasStatus_t>(entry.planned());
  if (!handles().contains(h)) return CUBLAS_STATUS_NOT_INITIALIZED;
  return body();
}

cublasStatus_t product(const char* function, cublasHandle_t h, cublasOperation_t ta,
                       cublasOperation_t tb, const Gemm& g, const void* alpha, const void* beta) {
  return call(function, h, [&] {
    if (!is_operation(ta) || !is_operation(tb)) return CUBLAS_STATUS_INVALID_VALUE;
    return gemm(h, g, alpha, beta);
  });
}

}  // namespace

extern "C" {

cublasStatus_t cublasCreate_v2(cublasHandle_t* h) {
  int count = 0;
  if (cudaGetDeviceCount(&count) != cudaSuccess) return CUBLAS_STATUS_NOT_INITIALIZED;
  const standin::Call entry(__func__);
  if (entry.planned()) return static_cast<cublasStatus_t>(entry.planned());
  if (!h) return CUBLAS_STATUS_INVALID_VALUE;
  *h = new cublasContext;
  (*h)->device = standin::current_device();
  handles().insert(*h);
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasDestroy_v2(cublasHandle_t h) {
  return call(__func__, h, [&] {
    handles().erase(h);
    delete h;
    return CUBLAS_STATUS_SUCCESS;
  });
}
cublasStatus_t cublasGetVersion_v2(cublasHandle_t h, int* version) {
  return call(__func__, h, [&] {
    if (!version) return CUBLAS_STATUS_INVALID_VALUE;
    *version = CUBLAS_VERSION;
    return CUBLAS_STATUS_SUCCESS;
  });
}
cublasStatus_t cublasSetStream_v2(cublasHandle_t h, cudaStream_t stream) {
  return call(__func__, h, [&] {
    if (standin::device_of(stream) != h->device)
      standin::mistake("cublasSetStream: the stream is of device " +
                       std::to_string(standin::device_of(stream)) + ", the handle of device " +
                       std::to_string(h->device));
    h->stream = stream;
    h->workspace = nullptr;  // documented: back to the library's own
    h->workspace_bytes = 0;
    return CUBLAS_STATUS_SUCCESS;
  });
}
cublasStatus_t cublasGetStream_v2(cublasHandle_t h, cudaStream_t* stream) {
  return call(__func__, h, [&] {
    if (!stream) return CUBLAS_STATUS_INVALID_VALUE;
    *stream = h->stream;
    return CUBLAS_STATUS_SUCCESS;
  });
}
cublasStatus_t cublasSetWorkspace_v2(cublasHandle_t h, void* workspace, size_t bytes) {
  return call(__func__, h, [&] {
    if (reinterpret_cast<std::uintptr_t>(workspace) % 256) return CUBLAS_STATUS_INVALID_VALUE;
    if (bytes)
      standin::require_device({workspace, bytes, "the workspace"}, "cublasSetWorkspace", h->device);
    h->workspace = workspace;
    h->workspace_bytes = bytes;
    return CUBLAS_STATUS_SUCCESS;
  });
}
cublasStatus_t cublasSetMathMode(cublasHandle_t h, cublasMath_t mode) {
  return call(__func__, h, [&] {
    h->math = mode;
    return CUBLAS_STATUS_SUCCESS;
  });
}
cublasStatus_t cublasGetMathMode(cublasHandle_t h, cublasMath_t* mode) {
  return call(__func__, h, [&] {
    if (!mode) return CUBLAS_STATUS_INVALID_VALUE;
    *mode = h->math;
    return CUBLAS_STATUS_SUCCESS;
  });
}
cublasStatus_t cublasSetPointerMode_v2(cublasHandle_t h, cublasPointerMode_t mode) {
  return call(__func__, h, [&] {
    if (mode != CUBLAS_POINTER_MODE_HOST && mode != CUBLAS_POINTER_MODE_DEVICE)
      return CUBLAS_STATUS_INVALID_VALUE;
    h->pointers = mode;
    return CUBLAS_STATUS_SUCCESS;
  });
}
cublasStatus_t cublasGetPointerMode_v2(cublasHandle_t h, cublasPointerMode_t* mode) {
  return call(__func__, h, [&] {
    if (!mode) return CUBLAS_STATUS_INVALID_VALUE;
    *mode = h->pointers;
    return CUBLAS_STATUS_SUCCESS;
  });
}

// Each product in two widths of its sizes.
#define STANDIN_PRODUCTS(Int, strided, single)                                                     \
  cublasStatus_t strided(cublasHandle_t h, cublasOperation_t ta, cublasOperation_t tb, Int m,      \
                         Int n, Int k, const void* alpha, const void* a, cudaDataType a_type,      \
                         Int lda, long long stride_a, const void* b, cudaDataType b_type, Int ldb, \
                         long long stride_b, const void* beta, void* c, cudaDataType c_type,       \
                         Int ldc, long long stride_c, Int batch, cublasComputeType_t compute,      \
                         cublasGemmAlgo_t) {                                                       \
    return product(__func__, h, ta, tb,                                                            \
                   {ta != CUBLAS_OP_N, tb != CUBLAS_OP_N, m, n, k, a, a_type, lda, stride_a, b,    \
                    b_type, ldb, stride_b, c, c_type, ldc, stride_c, batch, compute},              \
                   alpha, beta);                                                                   \
  }                                                                                                \
  cublasStatus_t single(cublasHandle_t h, cublasOperation_t ta, cublasOperation_t tb, Int m,       \
                        Int n, Int k, const void* alpha, const void* a, cudaDataType a_type,       \
                        Int lda, const void* b, cudaDataType b_type, Int ldb, const void* beta,    \
                        void* c, cudaDataType c_type, Int ldc, cublasComputeType_t compute,        \
                        cublasGemmAlgo_t) {                                                        \
    return product(__func__, h, ta, tb,                                                            \
                   {ta != CUBLAS_OP_N, tb != CUBLAS_OP_N, m, n, k, a, a_type, lda, 0, b, b_type,   \
                    ldb, 0, c, c_type, ldc, 0, 1, compute},                                        \
                   alpha, beta);                                                                   \
  }
STANDIN_PRODUCTS(int, cublasGemmStridedBatchedEx, cublasGemmEx)
STANDIN_PRODUCTS(std::int64_t, cublasGemmStridedBatchedEx_64, cublasGemmEx_64)
#undef STANDIN_PRODUCTS

const char* cublasGetStatusName(cublasStatus_t status) {
  switch (status) {
    case CUBLAS_STATUS_SUCCESS:
      return "CUBLAS_STATUS_SUCCESS";
    case CUBLAS_STATUS_NOT_INITIALIZED:
      return "CUBLAS_STATUS_NOT_INITIALIZED";
    case CUBLAS_STATUS_ALLOC_FAILED:
      return "CUBLAS_STATUS_ALLOC_FAILED";
    case CUBLAS_STATUS_INVALID_VALUE:
      return "CUBLAS_STATUS_INVALID_VALUE";
    case CUBLAS_STATUS_ARCH_MISMATCH:
      return "CUBLAS_STATUS_ARCH_MISMATCH";
    case CUBLAS_STATUS_MAPPING_ERROR:
      return "CUBLAS_STATUS_MAPPING_ERROR";
    case CUBLAS_STATUS_EXECUTION_FAILED:
      return "CUBLAS_STATUS_EXECUTION_FAILED";
    case CUBLAS_STATUS_INTERNAL_ERROR:
      return "CUBLAS_STATUS_INTERNAL_ERROR";
    case CUBLAS_STATUS_NOT_SUPPORTED:
      return "CUBLAS_STATUS_NOT_SUPPORTED";
    default:
      return "unknown status of cuBLAS";
  }
}
const char* cublasGetStatusString(cublasStatus_t status) { return cublasGetStatusName(status); }

}  // extern "C"
