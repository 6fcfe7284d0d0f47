// The product in float64: Eigen's, rows divided among the threads.
#define EIGEN_DONT_PARALLELIZE
#include <Eigen/Core>

#include "tuco/core/parallel.h"
#include "tuco/devices/cpu/gemm.h"

namespace tuco::cpu {

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Steps = Eigen::Stride<Eigen::Dynamic, Eigen::Dynamic>;

template <>
void gemm<double>(bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t k, double alpha,
                  const double* a, int64_t lda, const double* b, int64_t ldb, double beta,
                  double* c, int64_t ldc, const Epilogue<double>& epilogue) {
  if (m == 0 || n == 0) return;
  const int64_t a_row = trans_a ? 1 : lda;
  const Eigen::Map<const Matrix, 0, Steps> right(b, k, n, trans_b ? Steps(1, ldb) : Steps(ldb, 1));
  parallel_for(0, m, 1 + 100'000 / (n * k + 1), [&](int64_t begin, int64_t end) {
    const int64_t rows = end - begin;
    const Eigen::Map<const Matrix, 0, Steps> left(a + begin * a_row, rows, k,
                                                  trans_a ? Steps(1, lda) : Steps(lda, 1));
    Eigen::Map<Matrix, 0, Eigen::OuterStride<>> out(c + begin * ldc, rows, n,
                                                    Eigen::OuterStride<>(ldc));
    if (beta == 0) out.setZero();
    out.noalias() += alpha * left * right;
    epilogue.at(begin * ldc, 0).finish_rows(c + begin * ldc, rows, n, ldc);
  });
}

}  // namespace tuco::cpu
