// The formulas of core/pointwise_formulas.h in CUDA, for float and double (and the few that
// integers have). For .cu files.
#pragma once
#include <cmath>
#include <cstdint>

#include "tuco/core/convert.h"
#include "tuco/core/host_device.h"
#include "tuco/core/pointwise.h"

namespace tuco::cuda {

#define TUCO_FORMULA TUCO_HOST_DEVICE inline
template <class T>
TUCO_FORMULA T like(T, double c) {
  return convert<T>(c);
}
TUCO_FORMULA float exp(float x) { return ::expf(x); }
TUCO_FORMULA float log(float x) { return ::logf(x); }
TUCO_FORMULA float sqrt(float x) { return ::sqrtf(x); }
TUCO_FORMULA float tanh(float x) { return ::tanhf(x); }
TUCO_FORMULA float abs(float x) { return ::fabsf(x); }
TUCO_FORMULA double exp(double x) { return ::exp(x); }
TUCO_FORMULA double log(double x) { return ::log(x); }
TUCO_FORMULA double sqrt(double x) { return ::sqrt(x); }
TUCO_FORMULA double tanh(double x) { return ::tanh(x); }
TUCO_FORMULA double abs(double x) { return ::fabs(x); }
TUCO_FORMULA int32_t abs(int32_t x) { return x < 0 ? -x : x; }
TUCO_FORMULA int64_t abs(int64_t x) { return x < 0 ? -x : x; }
TUCO_FORMULA float pow(float x, double e) {
  if (e == 2) return x * x;
  return ::powf(x, static_cast<float>(e));
}
TUCO_FORMULA double pow(double x, double e) {
  if (e == 2) return x * x;
  return ::pow(x, e);
}
template <class T>
TUCO_FORMULA T max(T a, T b) {
  return a < b ? b : a;
}
template <class T>
TUCO_FORMULA T min(T a, T b) {
  return b < a ? b : a;
}
template <class T>
TUCO_FORMULA T if_less(T a, T b, T x, T y) {
  return a < b ? x : y;
}
template <class T>
TUCO_FORMULA T if_equal(T a, T b, T x, T y) {
  return a == b ? x : y;
}
#include "tuco/core/pointwise_formulas.h"

template <class T>
TUCO_FORMULA bool forward(const op::Equal&, T a, T b) {
  return a == b;
}
template <class T>
TUCO_FORMULA bool forward(const op::Less&, T a, T b) {
  return a < b;
}
template <class T>
TUCO_FORMULA bool forward(const op::LessEqual&, T a, T b) {
  return a <= b;
}
#undef TUCO_FORMULA

}  // namespace tuco::cuda
