// Softmax in float32, a vector of a row at a time.
#include <cmath>
#include <limits>

#include "tuco/core/parallel.h"
#include "tuco/devices/cpu/highway_targets.h"
#include "tuco/devices/cpu/softmax_kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tuco/devices/cpu/softmax_f32.cpp"
#include <hwy/foreach_target.h>

#include "tuco/devices/cpu/simd-inl.h"

#include <hwy/contrib/math/math-inl.h>

HWY_BEFORE_NAMESPACE();
namespace tuco::cpu::HWY_NAMESPACE {

constexpr float kMinusInfinity = -std::numeric_limits<float>::infinity();

// e to the power v, exactly 0 for minus infinity. Highway's Exp wants finite numbers (it converts
// them to integers), and is 0 from -104 down.
HWY_INLINE VecF exponential(VecF v) {
  const auto nan = hn::IsNaN(v);
  const VecF finite = hn::Max(hn::IfThenZeroElse(nan, v), splat(-105));
  return hn::IfThenElse(nan, v, hn::Exp(F32(), finite));
}

HWY_INLINE float sum_of(VecF v) { return hn::GetLane(hn::SumOfLanes(F32(), v)); }

// NaN is passed over: the sum of exponentials will show it.
float largest(int64_t n, const float* x) {
  VecF top = splat(kMinusInfinity);
  for (int64_t i = 0; i < n; i += kLanes) {
    const VecF v = load_first(x + i, n - i, kMinusInfinity);
    top = hn::IfThenElse(hn::Gt(v, top), v, top);
  }
  return hn::GetLane(hn::MaxOfLanes(F32(), top));
}

// Sum of exp(x - top); written to y unless null.
float exponential_sum(int64_t n, const float* x, float top, float* y) {
  VecF sum = zero();
  for (int64_t i = 0; i < n; i += kLanes) {
    VecF e = exponential(hn::Sub(load_first(x + i, n - i, top), splat(top)));
    if (n - i < kLanes) {  // lanes behind the row count nothing, even where top is infinite
      HWY_ALIGN float lanes[kLanes];
      hn::Store(e, F32(), lanes);
      e = load_first(lanes, n - i);
    }
    if (y) store_first(e, y + i, n - i);
    sum = hn::Add(sum, e);
  }
  return sum_of(sum);
}

void softmax_row(int64_t n, const float* x, float* y) {
  const float sum = exponential_sum(n, x, largest(n, x), y);
  for (int64_t i = 0; i < n; i += kLanes)
    store_first(hn::Div(load_first(y + i, n - i), splat(sum)), y + i, n - i);
}

void log_softmax_row(int64_t n, const float* x, float* y) {
  const float top = largest(n, x), log_sum = std::log(exponential_sum(n, x, top, nullptr));
  for (int64_t i = 0; i < n; i += kLanes)
    store_first(hn::Sub(hn::Sub(load_first(x + i, n - i), splat(top)), splat(log_sum)), y + i,
                n - i);
}

void softmax_backward_row(int64_t n, const float* y, const float* dy, float* dx) {
  VecF products = zero();
  for (int64_t i = 0; i < n; i += kLanes)
    products = hn::MulAdd(load_first(y + i, n - i), load_first(dy + i, n - i), products);
  const VecF sum = splat(sum_of(products));
  for (int64_t i = 0; i < n; i += kLanes)
    store_first(hn::Mul(load_first(y + i, n - i), hn::Sub(load_first(dy + i, n - i), sum)), dx + i,
                n - i);
}

void log_softmax_backward_row(int64_t n, const float* y, const float* dy, float* dx) {
  VecF total = zero();
  for (int64_t i = 0; i < n; i += kLanes) total = hn::Add(total, load_first(dy + i, n - i));
  const VecF sum = splat(sum_of(total));
  for (int64_t i = 0; i < n; i += kLanes)
    store_first(
        hn::NegMulAdd(exponential(load_first(y + i, n - i)), sum, load_first(dy + i, n - i)),
        dx + i, n - i);
}

}  // namespace tuco::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tuco::cpu {

HWY_EXPORT(softmax_row);
HWY_EXPORT(log_softmax_row);
HWY_EXPORT(softmax_backward_row);
HWY_EXPORT(log_softmax_backward_row);

namespace {

// Calls row(first value) for all rows.
template <class Row>
void for_each_row(int64_t rows, int64_t n, const Row& row) {
  if (n == 0) return;
  parallel_for(0, rows, 1 + (1 << 14) / n, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) row(r * n);
  });
}

}  // namespace

template <>
void softmax_forward<float>(int64_t rows, int64_t n, const float* x, float* y) {
  for_each_row(rows, n, [&](int64_t at) { TUCO_DISPATCH(softmax_row)(n, x + at, y + at); });
}
template <>
void log_softmax_forward<float>(int64_t rows, int64_t n, const float* x, float* y) {
  for_each_row(rows, n, [&](int64_t at) { TUCO_DISPATCH(log_softmax_row)(n, x + at, y + at); });
}
template <>
void softmax_backward<float>(int64_t rows, int64_t n, const float* y, const float* dy, float* dx) {
  for_each_row(rows, n, [&](int64_t at) {
    TUCO_DISPATCH(softmax_backward_row)(n, y + at, dy + at, dx + at);
  });
}
template <>
void log_softmax_backward<float>(int64_t rows, int64_t n, const float* y, const float* dy,
                                 float* dx) {
  for_each_row(rows, n, [&](int64_t at) {
    TUCO_DISPATCH(log_softmax_backward_row)(n, y + at, dy + at, dx + at);
  });
}

}  // namespace tuco::cpu
#endif
