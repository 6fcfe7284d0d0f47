// Softmax of int8 from a table of exponentials, after these have been summed: the device runtime's
// arithmetic (deploy/runtime/softmax.h), for every backend.
#pragma once
#include "tuco/deploy/runtime/fixed_point.h"

namespace tuco {

/// An exponential as it goes into the sum, which has 12 integer bits.
TUCO_INLINE int32_t qsoftmax_term(int32_t exponential) {
  return tuco_rounded_shift(exponential, 12);
}

/// What turns exponentials into shares of their sum.
struct QSoftmaxScale {
  int32_t factor, exponent;
};
TUCO_INLINE QSoftmaxScale qsoftmax_scale(int32_t sum) {
#ifdef __CUDACC__
  const int32_t headroom = sum > 0 ? __clz(sum) : 0;
#else
  const int32_t headroom = sum > 0 ? __builtin_clz(static_cast<uint32_t>(sum)) : 0;
#endif
  const uint32_t mantissa = static_cast<uint32_t>(sum) << headroom;
  return {tuco_reciprocal(static_cast<int32_t>(mantissa & INT32_MAX)), 35 - headroom};
}

/// At a scale of 1/256, with the zero point -128.
TUCO_INLINE int8_t qsoftmax_share(const QSoftmaxScale& scale, int32_t exponential) {
  const int32_t share = tuco_high_product(scale.factor, exponential);
  const int32_t value = scale.exponent <= 31 ? tuco_rounded_shift(share, scale.exponent) : 0;
  return static_cast<int8_t>(tuco_min(value - 128, 127));
}

}  // namespace tuco
