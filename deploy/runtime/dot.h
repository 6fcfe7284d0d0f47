// The inner products under convolution and fully connected layers: here alone is a target's own
// instruction for several products at once to be used, chosen by the compiler's macros. What
// stands here is portable: one load of an input serves four outputs.
#ifndef TUCO_RUNTIME_DOT_H
#define TUCO_RUNTIME_DOT_H

#include "base.h"

// sum[k] += w[k * stride + i] * (x[i] - zero_point), over n values, for four outputs k.
TUCO_INLINE void tuco_dot4(int32_t sum[4], const int8_t* TUCO_RESTRICT x, int32_t zero_point,
                           const int8_t* TUCO_RESTRICT w, int32_t stride, int32_t n) {
  const int8_t* w0 = w;
  const int8_t* w1 = w0 + stride;
  const int8_t* w2 = w1 + stride;
  const int8_t* w3 = w2 + stride;
  int32_t s0 = sum[0], s1 = sum[1], s2 = sum[2], s3 = sum[3];
  for (int32_t i = 0; i < n; i++) {
    const int32_t value = x[i] - zero_point;
    s0 += w0[i] * value;
    s1 += w1[i] * value;
    s2 += w2[i] * value;
    s3 += w3[i] * value;
  }
  sum[0] = s0;
  sum[1] = s1;
  sum[2] = s2;
  sum[3] = s3;
}

// sum + w[i] * (x[i] - zero_point), over n values.
TUCO_INLINE int32_t tuco_dot1(int32_t sum, const int8_t* TUCO_RESTRICT x, int32_t zero_point,
                              const int8_t* TUCO_RESTRICT w, int32_t n) {
  for (int32_t i = 0; i < n; i++) sum += w[i] * (x[i] - zero_point);
  return sum;
}

#endif
