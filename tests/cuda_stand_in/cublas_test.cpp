#include <cublas_v2.h>
#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <cmath>

#include "faults.h"
#include "kernels.h"
#include "numbers.h"

namespace standin::test {
namespace {

#define EXPECT_CUBLAS(call) EXPECT_EQ(call, CUBLAS_STATUS_SUCCESS)

constexpr cudaDataType kFloat = CUDA_R_32F, kDouble = CUDA_R_64F;
constexpr auto kAlgorithm = CUBLAS_GEMM_DEFAULT;

struct Cublas : ::testing::Test {
  cublasHandle_t h = nullptr;
  cudaStream_t s = new_stream();
  float one = 1, zero = 0;

  Cublas() {
    EXPECT_CUBLAS(cublasCreate(&h));
    EXPECT_CUBLAS(cublasSetStream(h, s));
  }
  ~Cublas() override {
    EXPECT_CUBLAS(cublasDestroy(h));
    EXPECT_CUDA(cudaStreamDestroy(s));
  }
  void wait() { EXPECT_CUDA(cudaStreamSynchronize(s)); }
};

template <class T>
std::vector<T> numbers(std::size_t n, unsigned seed) {
  std::vector<T> v(n);
  for (T& x : v) {
    seed = seed * 1664525u + 1013904223u;
    const float f = float(seed >> 9) / float(1 << 22) - 1;
    if constexpr (std::is_same_v<T, std::int8_t>)
      x = T(f * 127);
    else if constexpr (std::is_same_v<T, __half>)
      x = __float2half(f);
    else if constexpr (std::is_same_v<T, __nv_bfloat16>)
      x = __float2bfloat16(f);
    else
      x = T(f);
  }
  return v;
}
double value(float v) { return v; }
double value(double v) { return v; }
double value(std::int8_t v) { return v; }
double value(std::int32_t v) { return v; }
double value(__half v) { return __half2float(v); }
double value(__nv_bfloat16 v) { return __bfloat162float(v); }

template <class T>
constexpr cudaDataType type_of() {
  if constexpr (std::is_same_v<T, float>) return CUDA_R_32F;
  if constexpr (std::is_same_v<T, double>) return CUDA_R_64F;
  if constexpr (std::is_same_v<T, std::int8_t>) return CUDA_R_8I;
  if constexpr (std::is_same_v<T, std::int32_t>) return CUDA_R_32I;
  if constexpr (std::is_same_v<T, __half>) return CUDA_R_16F;
  return CUDA_R_16BF;
}

// A batch of products with leading dimensions larger than needed against plain sums in double.
template <class In, class Out, class Scalar>
void compare(cublasHandle_t h, cublasComputeType_t compute, double tolerance) {
  for (bool ta : {false, true})
    for (bool tb : {false, true}) {
      const int m = 37, n = 23, k = 301, batch = 2;
      const int lda = (ta ? k : m) / 4 * 4 + 4, ldb = (tb ? n : k) / 4 * 4 + 4, ldc = m + 3;
      const long long sa = lda * (ta ? m : k), sb = ldb * (tb ? k : n), sc = ldc * n;
      const auto a = numbers<In>(std::size_t(sa) * batch, 1),
                 b = numbers<In>(std::size_t(sb) * batch, 2);
      const auto c = numbers<Out>(std::size_t(sc) * batch, 3);
      Out* out = upload(c);
      const Scalar alpha = Scalar(3), beta = Scalar(-2);
      ASSERT_EQ(CUBLAS_STATUS_SUCCESS,
                cublasGemmStridedBatchedEx(
                    h, ta ? CUBLAS_OP_T : CUBLAS_OP_N, tb ? CUBLAS_OP_T : CUBLAS_OP_N, m, n, k,
                    &alpha, upload(a), type_of<In>(), lda, sa, upload(b), type_of<In>(), ldb, sb,
                    &beta, out, type_of<Out>(), ldc, sc, batch, compute, kAlgorithm));
      cudaStream_t s = nullptr;
      EXPECT_CUBLAS(cublasGetStream(h, &s));
      EXPECT_CUDA(cudaStreamSynchronize(s));
      const auto got = download(out, c.size());
      for (int q = 0; q < batch; ++q)
        for (int j = 0; j < n; ++j)
          for (int i = 0; i < m; ++i) {
            double sum = 0;
            for (int p = 0; p < k; ++p)
              sum += value(a[std::size_t(q * sa + (ta ? p + i * lda : i + p * lda))]) *
                     value(b[std::size_t(q * sb + (tb ? j + p * ldb : p + j * ldb))]);
            const auto at = std::size_t(q * sc + i + j * ldc);
            ASSERT_NEAR(value(got[at]), 3 * sum - 2 * value(c[at]), tolerance)
                << ta << tb << " " << i << " " << j;
          }
      for (int i = m; i < ldc; ++i) EXPECT_EQ(value(got[std::size_t(i)]), value(c[std::size_t(i)]));
    }
}

TEST_F(Cublas, ProductsOfEveryTypeAgreeWithPlainSums) {
  compare<float, float, float>(h, CUBLAS_COMPUTE_32F, 1e-4);
  compare<double, double, double>(h, CUBLAS_COMPUTE_64F, 1e-12);
  compare<__half, float, float>(h, CUBLAS_COMPUTE_32F, 1e-4);
  compare<__half, __half, float>(h, CUBLAS_COMPUTE_32F, 0.1);
  compare<__nv_bfloat16, float, float>(h, CUBLAS_COMPUTE_32F, 1e-4);
  compare<__nv_bfloat16, __nv_bfloat16, float>(h, CUBLAS_COMPUTE_32F, 0.8);
  compare<std::int8_t, std::int32_t, std::int32_t>(h, CUBLAS_COMPUTE_32I, 0);
  compare<std::int8_t, float, float>(h, CUBLAS_COMPUTE_32F, 1);
}

TEST_F(Cublas, Tf32LosesItsBits) {
  const float fine = 1 + std::ldexp(1.0f, -12);  // a bit below what TF32 holds
  float* a = upload(std::vector{fine});
  float* c = device_memory<float>(1);
  const auto product = [&](cublasComputeType_t compute) {
    EXPECT_CUBLAS(cublasGemmEx(h, CUBLAS_OP_N, CUBLAS_OP_N, 1, 1, 1, &one, a, kFloat, 1, a, kFloat,
                               1, &zero, c, kFloat, 1, compute, kAlgorithm));
    wait();
    return download(c, 1)[0];
  };
  EXPECT_EQ(product(CUBLAS_COMPUTE_32F), fine * fine);
  EXPECT_EQ(product(CUBLAS_COMPUTE_32F_FAST_TF32), 1);
  EXPECT_CUBLAS(cublasSetMathMode(h, CUBLAS_TF32_TENSOR_OP_MATH));
  EXPECT_EQ(product(CUBLAS_COMPUTE_32F), 1);
  EXPECT_EQ(product(CUBLAS_COMPUTE_32F_PEDANTIC), fine * fine);
  EXPECT_EQ(to_tf32(1 + std::ldexp(1.0f, -11)), 1 + std::ldexp(1.0f, -10));
  EXPECT_EQ(to_tf32(-INFINITY), -INFINITY);
}

TEST_F(Cublas, BetaOfZeroDoesNotReadAndNoDepthGivesZeros) {
  float* c = device_memory<float>(6);  // NaN
  EXPECT_CUBLAS(cublasGemmEx(h, CUBLAS_OP_N, CUBLAS_OP_N, 2, 3, 0, &one, nullptr, kFloat, 2,
                             nullptr, kFloat, 1, &zero, c, kFloat, 2, CUBLAS_COMPUTE_32F,
                             kAlgorithm));
  wait();
  EXPECT_EQ(download(c, 6), std::vector<float>(6, 0));
}

TEST_F(Cublas, WhatCublasRefusesIsRefused) {
  float* p = device_memory<float>(64);
  const auto gemm = [&](int m, int n, int k, int lda, int ldb, int ldc, cudaDataType in,
                        cudaDataType out, cublasComputeType_t compute) {
    return cublasGemmEx(h, CUBLAS_OP_N, CUBLAS_OP_N, m, n, k, &one, p, in, lda, p, in, ldb, &zero,
                        p, out, ldc, compute, kAlgorithm);
  };
  EXPECT_EQ(gemm(4, 4, 4, 3, 4, 4, kFloat, kFloat, CUBLAS_COMPUTE_32F),
            CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_EQ(gemm(4, 4, 4, 4, 3, 4, kFloat, kFloat, CUBLAS_COMPUTE_32F),
            CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_EQ(gemm(4, 4, 4, 4, 4, 3, kFloat, kFloat, CUBLAS_COMPUTE_32F),
            CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_EQ(gemm(-1, 4, 4, 4, 4, 4, kFloat, kFloat, CUBLAS_COMPUTE_32F),
            CUBLAS_STATUS_INVALID_VALUE);
  const auto not_supported = CUBLAS_STATUS_NOT_SUPPORTED;
  EXPECT_EQ(gemm(4, 4, 4, 4, 4, 4, kFloat, CUDA_R_16F, CUBLAS_COMPUTE_32F), not_supported);
  EXPECT_EQ(gemm(4, 4, 4, 4, 4, 4, kDouble, kDouble, CUBLAS_COMPUTE_32F), not_supported);
  EXPECT_EQ(gemm(4, 4, 4, 4, 4, 4, kFloat, kFloat, CUBLAS_COMPUTE_64F), not_supported);
  EXPECT_EQ(gemm(4, 4, 4, 4, 4, 4, CUDA_R_8I, CUDA_R_8I, CUBLAS_COMPUTE_32I), not_supported);
  EXPECT_EQ(gemm(4, 4, 4, 5, 4, 4, CUDA_R_8I, CUDA_R_32I, CUBLAS_COMPUTE_32I), not_supported);
  EXPECT_EQ(gemm(4, 4, 4, 4, 4, 4, CUDA_R_16F, kFloat, CUBLAS_COMPUTE_32F_FAST_TF32),
            not_supported);
  cublasHandle_t gone = nullptr;
  ASSERT_EQ(cublasCreate(&gone), CUBLAS_STATUS_SUCCESS);
  EXPECT_CUBLAS(cublasDestroy(gone));
  EXPECT_EQ(cublasSetStream(gone, s), CUBLAS_STATUS_NOT_INITIALIZED);
  const FailCall fails("cublasCreate", CUBLAS_STATUS_ALLOC_FAILED);
  EXPECT_EQ(cublasCreate(&gone), CUBLAS_STATUS_ALLOC_FAILED);
  EXPECT_STREQ(cublasGetStatusString(CUBLAS_STATUS_ALLOC_FAILED), "CUBLAS_STATUS_ALLOC_FAILED");
}

TEST_F(Cublas, WideSizesAreTheSameProduct) {
  float* p = upload(std::vector<float>{1, 2, 3, 4});
  float* c = device_memory<float>(4);
  const std::int64_t two = 2, before = calls("cublasGemmEx");
  EXPECT_CUBLAS(cublasGemmEx_64(h, CUBLAS_OP_N, CUBLAS_OP_N, two, two, two, &one, p, kFloat, two, p,
                                kFloat, two, &zero, c, kFloat, two, CUBLAS_COMPUTE_32F,
                                kAlgorithm));
  wait();
  EXPECT_EQ(download(c, 4), (std::vector<float>{7, 10, 15, 22}));
  EXPECT_EQ(calls("cublasGemmEx_64"), before + 1);
  const FailCall fails("cublasGemmStridedBatchedEx_64", CUBLAS_STATUS_EXECUTION_FAILED);
  EXPECT_EQ(cublasGemmStridedBatchedEx_64(h, CUBLAS_OP_N, CUBLAS_OP_N, two, two, two, &one, p,
                                          kFloat, two, 0, p, kFloat, two, 0, &zero, c, kFloat, two,
                                          4, 1, CUBLAS_COMPUTE_32F, kAlgorithm),
            CUBLAS_STATUS_EXECUTION_FAILED);
}

TEST_F(Cublas, TheFullExtentOfEachOperandIsChecked) {
  float* p = device_memory<float>(12);
  float host[12] = {};
  const auto gemm = [&](const void* a, int lda, const void* b, int ldb, void* c, int ldc) {
    return cublasGemmEx(h, CUBLAS_OP_N, CUBLAS_OP_T, 3, 3, 4, &one, a, kFloat, lda, b, kFloat, ldb,
                        &zero, c, kFloat, ldc, CUBLAS_COMPUTE_32F, kAlgorithm);
  };
  EXPECT_CUBLAS(gemm(p, 3, p, 3, p, 3));
  EXPECT_MISTAKE(gemm(p, 4, p, 3, p, 3), "A needs 60 bytes, its allocation has 48 left");
  EXPECT_MISTAKE(gemm(p, 3, p + 1, 3, p, 3), "B needs 48 bytes, its allocation has 44 left");
  EXPECT_MISTAKE(gemm(p, 3, p, 3, p, 5), "C needs 52 bytes");
  EXPECT_MISTAKE(gemm(host, 3, p, 3, p, 3), "A is a pointer of the host");
  EXPECT_MISTAKE(gemm(p, 3, nullptr, 3, p, 3), "B is null");
  EXPECT_MISTAKE(cublasGemmStridedBatchedEx(h, CUBLAS_OP_N, CUBLAS_OP_N, 2, 2, 1, &one, p, kFloat,
                                            2, 0, p, kFloat, 1, 0, &zero, p, kFloat, 2, 3, 2,
                                            CUBLAS_COMPUTE_32F, kAlgorithm),
                 "the results of a batch overlap");
}

TEST_F(Cublas, IsCapturedAndFailsOnADeviceThatFailed) {
  float* p = upload(std::vector<float>(4, 2));
  float* c = upload(std::vector<float>(4, 1));
  const auto add = [&] {  // c += p p
    return cublasGemmEx(h, CUBLAS_OP_N, CUBLAS_OP_N, 2, 2, 2, &one, p, kFloat, 2, p, kFloat, 2,
                        &one, c, kFloat, 2, CUBLAS_COMPUTE_32F, kAlgorithm);
  };
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t exec = nullptr;
  ASSERT_CUDA(cudaStreamBeginCapture(s, cudaStreamCaptureModeGlobal));
  EXPECT_CUBLAS(add());
  ASSERT_CUDA(cudaStreamEndCapture(s, &graph));
  ASSERT_CUDA(cudaGraphInstantiate(&exec, graph, 0));
  for (int i = 0; i < 3; ++i) EXPECT_CUDA(cudaGraphLaunch(exec, s));
  wait();
  EXPECT_EQ(download(c, 4), std::vector<float>(4, 25));
  EXPECT_CUDA(cudaGraphDestroy(graph));
  EXPECT_CUDA(cudaGraphExecDestroy(exec));
  EXPECT_MISTAKE(cudaGraphDestroy(graph), "a graph that is not alive");
  EXPECT_MISTAKE(cudaGraphExecDestroy(exec), "a graph not alive");
  EXPECT_MISTAKE(cudaGraphLaunch(exec, s), "a graph that is not alive");
  {
    const FailTask fault(cudaErrorIllegalAddress);
    EXPECT_CUBLAS(add());
    EXPECT_EQ(cudaStreamSynchronize(s), cudaErrorIllegalAddress);
    EXPECT_EQ(add(), CUBLAS_STATUS_EXECUTION_FAILED);
  }
  (void)cudaGetLastError();
  float* scalar = upload(std::vector<float>{1});
  EXPECT_MISTAKE(cublasGemmEx(h, CUBLAS_OP_N, CUBLAS_OP_N, 2, 2, 2, scalar, p, kFloat, 2, p, kFloat,
                              2, &one, c, kFloat, 2, CUBLAS_COMPUTE_32F, kAlgorithm),
                 "alpha or beta is device memory");
  EXPECT_CUDA(cudaSetDevice(1));
  const cudaStream_t other = new_stream();
  EXPECT_MISTAKE(cublasSetStream(h, other), "the stream is of device 1, the handle of device 0");
  EXPECT_CUDA(cudaStreamDestroy(other));
  EXPECT_CUDA(cudaSetDevice(0));
}

TEST_F(Cublas, StreamWorkspaceAndPointerModeAreThoseOfTheCall) {
  float* p = upload(std::vector<float>(4, 2));
  float* c = device_memory<float>(4);
  float* work = upload(std::vector<float>(256, 1));
  EXPECT_EQ(cublasSetWorkspace(h, work + 1, 4), CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_CUBLAS(cublasSetWorkspace(h, work, 1024));
  float scale = 1;
  EXPECT_CUBLAS(cublasGemmEx(h, CUBLAS_OP_N, CUBLAS_OP_N, 2, 2, 2, &scale, p, kFloat, 2, p, kFloat,
                             2, &zero, c, kFloat, 2, CUBLAS_COMPUTE_32F, kAlgorithm));
  scale = 100;
  EXPECT_CUDA(cudaStreamSynchronize(nullptr));
  EXPECT_TRUE(std::isnan(download(c, 4)[0]));
  wait();
  EXPECT_EQ(download(c, 4)[0], 8);
  EXPECT_TRUE(std::isnan(download(work, 256)[255]));
  float* scalars = upload(std::vector<float>{0.5f, 1.0f});
  EXPECT_CUBLAS(cublasSetPointerMode(h, CUBLAS_POINTER_MODE_DEVICE));
  EXPECT_CUBLAS(cublasGemmEx(h, CUBLAS_OP_N, CUBLAS_OP_N, 2, 2, 2, scalars, p, kFloat, 2, p, kFloat,
                             2, scalars + 1, c, kFloat, 2, CUBLAS_COMPUTE_32F, kAlgorithm));
  wait();
  EXPECT_EQ(download(c, 4)[0], 12);
  EXPECT_CUDA(cudaSetDevice(1));
  EXPECT_MISTAKE(cublasGemmEx(h, CUBLAS_OP_N, CUBLAS_OP_N, 2, 2, 2, scalars, p, kFloat, 2, p,
                              kFloat, 2, scalars + 1, c, kFloat, 2, CUBLAS_COMPUTE_32F, kAlgorithm),
                 "the handle was made for device 0");
  EXPECT_CUDA(cudaSetDevice(0));
}

}  // namespace
}  // namespace standin::test
