// Matrix products on row-major operands: float32 by register tiles over packed panels of b,
// float64 by Eigen, which is the oracle for the former.
#pragma once
#include <cstdint>

#include "tuco/devices/cpu/packed_forms.h"
#include "tuco/devices/cpu/tile.h"

namespace tuco::cpu {

/// c (m, n) = alpha * op(a) (m, k) * op(b) (k, n) + beta * c, through the epilogue. op transposes
/// where trans_a or trans_b says so: a is then stored (k, m), b (n, k). lda, ldb and ldc are the
/// stored rows' distances (ldc the addend's, too). beta is 0 (c need not be initialised) or 1. Any
/// size may be 0.
template <class T>
void gemm(bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t k, T alpha, const T* a,
          int64_t lda, const T* b, int64_t ldb, T beta, T* c, int64_t ldc,
          const Epilogue<T>& epilogue = {});

template <>
void gemm<float>(bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t k, float alpha,
                 const float* a, int64_t lda, const float* b, int64_t ldb, float beta, float* c,
                 int64_t ldc, const Epilogue<float>& epilogue);
template <>
void gemm<double>(bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t k, double alpha,
                  const double* a, int64_t lda, const double* b, int64_t ldb, double beta,
                  double* c, int64_t ldc, const Epilogue<double>& epilogue);

/// The right operand of many products, packed once: constant weights. Immutable, so that threads
/// may share it; it fits the instruction set that was in use when it was made.
class PackedMatrix {
 public:
  /// Packs op(b) (k, n); b is stored (n, k) if `trans`, as the weights (out, in) of a Linear are.
  PackedMatrix(bool trans, int64_t k, int64_t n, const float* b, int64_t ldb);

  int64_t rows() const { return k_; }
  int64_t columns() const { return n_; }
  /// Memory that the packed form takes.
  int64_t bytes() const { return size_ * static_cast<int64_t>(sizeof(float)); }
  const float* data() const { return data_.as<float>(); }
  const Panels& panels() const { return panels_; }

 private:
  int64_t k_, n_;
  Panels panels_;
  int64_t size_;
  AlignedBytes data_;
};

/// c (m, n) = a (m, k) * b (k, n) + beta * c, through the epilogue. beta is 0 or 1; with 1 there
/// may be no bias.
void gemm(int64_t m, const float* a, int64_t lda, const PackedMatrix& b, float* c, int64_t ldc,
          const Epilogue<float>& epilogue = {}, float beta = 0);

}  // namespace tuco::cpu
