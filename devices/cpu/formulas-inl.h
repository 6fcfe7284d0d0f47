// The formulas of core/pointwise_formulas.h on float vectors, compiled once for each Highway
// target. Included after hwy/foreach_target.h, inside no namespace.
#if defined(TUCO_DEVICES_CPU_FORMULAS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef TUCO_DEVICES_CPU_FORMULAS_INL_H_
#undef TUCO_DEVICES_CPU_FORMULAS_INL_H_
#else
#define TUCO_DEVICES_CPU_FORMULAS_INL_H_
#endif

#include <cmath>
#include <limits>

#include "tuco/core/pointwise.h"
#include "tuco/devices/cpu/simd-inl.h"

#include <hwy/contrib/math/math-inl.h>

HWY_BEFORE_NAMESPACE();
namespace tuco::cpu::HWY_NAMESPACE {

#define TUCO_FORMULA HWY_INLINE
TUCO_FORMULA VecF like(VecF, double c) { return splat(static_cast<float>(c)); }
TUCO_FORMULA VecF exp(VecF x) {
  // Highway's Exp is for finite arguments; infinities and NaN keep their meaning here.
  const VecF y = hn::Exp(F32(), hn::Min(hn::Max(x, splat(-104.f)), splat(88.7f)));
  const VecF big =
      hn::IfThenElse(hn::Gt(x, splat(88.72283f)), splat(std::numeric_limits<float>::infinity()), y);
  return hn::IfThenElse(hn::IsNaN(x), x, big);
}
TUCO_FORMULA VecF sqrt(VecF x) { return hn::Sqrt(x); }
TUCO_FORMULA VecF abs(VecF x) { return hn::Abs(x); }
TUCO_FORMULA VecF if_less(VecF a, VecF b, VecF x, VecF y) {
  return hn::IfThenElse(hn::Lt(a, b), x, y);
}
TUCO_FORMULA VecF if_equal(VecF a, VecF b, VecF x, VecF y) {
  return hn::IfThenElse(hn::Eq(a, b), x, y);
}
TUCO_FORMULA VecF max(VecF a, VecF b) { return hn::IfThenElse(hn::IsNaN(a), a, hn::Max(a, b)); }
TUCO_FORMULA VecF min(VecF a, VecF b) { return hn::IfThenElse(hn::IsNaN(a), a, hn::Min(a, b)); }
/// For functions without a vector form of the accuracy that we want.
template <class F>
TUCO_FORMULA VecF each_lane(VecF x, F&& f) {
  HWY_ALIGN float lanes[kLanes];
  hn::Store(x, F32(), lanes);
  for (int64_t i = 0; i < kLanes; ++i) lanes[i] = f(lanes[i]);
  return hn::Load(F32(), lanes);
}
TUCO_FORMULA VecF log(VecF x) {
  return each_lane(x, [](float v) { return std::log(v); });
}
TUCO_FORMULA VecF tanh(VecF x) {
  return each_lane(x, [](float v) { return std::tanh(v); });
}
TUCO_FORMULA VecF pow(VecF x, double e) {
  if (e == 2) return x * x;
  if (e == 1) return x;
  return each_lane(x, [e](float v) { return std::pow(v, static_cast<float>(e)); });
}
#include "tuco/core/pointwise_formulas.h"
#undef TUCO_FORMULA

}  // namespace tuco::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
