// Products, by cuBLAS, which takes matrices column by column: a row-major matrix is its transpose
// there, and c = a b is c' = b' a'.
#include "tuco/core/error.h"
#include "tuco/core/layout.h"
#include "tuco/devices/cuda/device_context.h"
#include "tuco/devices/cuda/epilogue_kernels.h"
#include "tuco/devices/cuda/gemm.h"
#include "tuco/devices/cuda/libraries.h"

namespace tuco::cuda {

template <class T>
void gemm(Call& call, bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t k, double alpha,
          Matrix<const T> a, Matrix<const T> b, double beta, Matrix<T> c, int64_t batch) {
  if (m == 0 || n == 0 || batch == 0) return;
  constexpr bool is_double = std::is_same_v<T, double>;
  constexpr cudaDataType_t type = is_double ? CUDA_R_64F : CUDA_R_32F;
  const bool tf32 = float32_precision() == Float32Precision::tf32;
  const cublasComputeType_t compute = is_double ? CUBLAS_COMPUTE_64F
                                      : tf32    ? CUBLAS_COMPUTE_32F_FAST_TF32
                                                : CUBLAS_COMPUTE_32F;
  const T one = static_cast<T>(alpha), keep = static_cast<T>(beta);
  // Of no columns, a row is still taken to be one element long.
  const auto leading = [](int64_t elements) { return std::max<int64_t>(elements, 1); };
  check(cublas().cublasGemmStridedBatchedEx_64(
            call.device.blas(), trans_b ? CUBLAS_OP_T : CUBLAS_OP_N,
            trans_a ? CUBLAS_OP_T : CUBLAS_OP_N, n, m, k, &one, b.data, type, leading(b.leading),
            b.stride, a.data, type, leading(a.leading), a.stride, &keep, c.data, type,
            leading(c.leading), c.stride, batch, compute, CUBLAS_GEMM_DEFAULT),
        "cublasGemmStridedBatchedEx");
}

template void gemm(Call&, bool, bool, int64_t, int64_t, int64_t, double, Matrix<const float>,
                   Matrix<const float>, double, Matrix<float>, int64_t);
template void gemm(Call&, bool, bool, int64_t, int64_t, int64_t, double, Matrix<const double>,
                   Matrix<const double>, double, Matrix<double>, int64_t);

void run(const op::MatMul& op, Inputs in, Out out, Call& call) {
  const Shape &a_shape = in[0].shape(), &b_shape = in[1].shape(), &y_shape = out[0].shape();
  const int64_t m = y_shape[y_shape.rank() - 2], n = y_shape.back();
  const int64_t k = a_shape[a_shape.rank() - (op.transpose_a ? 2 : 1)];
  // The leading dimensions, as layouts counted in matrices.
  const auto leading = [](const Shape& s) { return Shape({s.begin(), s.end() - 2}); };
  const Shape batch = leading(y_shape);
  const std::array<Layout, 2> matrices = {Layout(leading(a_shape)).expand(batch),
                                          Layout(leading(b_shape)).expand(batch)};
  dispatch_floating(op.name, out[0].dtype(), [&]<class T>() {
    const T *a = ptr<T>(in[0]), *b = ptr<T>(in[1]);
    T* y = ptr<T>(out[0]);
    const int64_t step_a = batch.rank() ? matrices[0].strides.back() * m * k : 0,
                  step_b = batch.rank() ? matrices[1].strides.back() * k * n : 0;
    for_each_run<2>(matrices, 0, count_runs(batch), [&](const auto& at, int64_t count) {
      gemm<T>(call, op.transpose_a, op.transpose_b, m, n, k, 1,
              {a + at[0] * m * k, a_shape.back(), step_a},
              {b + at[1] * k * n, b_shape.back(), step_b}, 0, {y, n, m * n}, count);
      y += count * m * n;
    });
  });
}

namespace {

template <class T>
void run_linear(Inputs in, Out out, Call& call, bool bias, double low, double high) {
  const int64_t inner = in[1].dim(1), columns = in[1].dim(0);
  const int64_t rows = columns ? out[0].numel() / columns : 0;
  T* y = ptr<T>(out[0]);
  gemm<T>(call, false, true, rows, columns, inner, 1, {ptr<T>(in[0]), inner},
          {ptr<T>(in[1]), inner}, 0, {y, columns});
  const Epilogue<T> epilogue{bias ? ptr<T>(in[2]) : nullptr, nullptr, low, high};
  finish(epilogue, rows, columns, y, call.stream);
}

}  // namespace

void run(const op::Linear& op, Inputs in, Out out, Call& call) {
  dispatch_floating(op.name, out[0].dtype(), [&]<class T>() {
    run_linear<T>(in, out, call, in.size() > 2, -INFINITY, INFINITY);
  });
}

void run(const op::FusedLinear& op, Inputs in, Out out, Call& call) {
  dispatch_floating(op.name, out[0].dtype(),
                    [&]<class T>() { run_linear<T>(in, out, call, op.bias, op.low, op.high); });
}

}  // namespace tuco::cuda
