// What the vector kernels share, compiled once for each Highway target: float vectors, their first
// few lanes, loops that are unrolled for sure. Included after hwy/highway.h, inside no namespace.
#if defined(TUCO_DEVICES_CPU_SIMD_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef TUCO_DEVICES_CPU_SIMD_INL_H_
#undef TUCO_DEVICES_CPU_SIMD_INL_H_
#else
#define TUCO_DEVICES_CPU_SIMD_INL_H_
#endif

#include <hwy/highway.h>

#include <cstddef>
#include <cstdint>

#ifndef TUCO_UNROLL
#if defined(__clang__)
#define TUCO_UNROLL _Pragma("unroll")
#else
#define TUCO_UNROLL _Pragma("GCC unroll 32")
#endif
#endif

HWY_BEFORE_NAMESPACE();
namespace tuco::cpu::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using F32 = hn::ScalableTag<float>;
using VecF = hn::Vec<F32>;
constexpr int64_t kLanes = HWY_LANES(float);

HWY_INLINE VecF load(const float* p) { return hn::LoadU(F32(), p); }
HWY_INLINE void store(VecF v, float* p) { hn::StoreU(v, F32(), p); }
HWY_INLINE VecF splat(float x) { return hn::Set(F32(), x); }
HWY_INLINE VecF zero() { return hn::Zero(F32()); }

/// The first `count` lanes from memory, the others `rest`; touches nothing behind them.
HWY_INLINE VecF load_first(const float* p, int64_t count, float rest = 0) {
  if (count >= kLanes) return load(p);
#if HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_AVX3
  const auto mask = hn::FirstN(F32(), static_cast<size_t>(count));
  return hn::IfThenElse(mask, hn::MaskedLoad(mask, F32(), p), splat(rest));
#else
  HWY_ALIGN float lanes[kLanes];
  for (int64_t i = 0; i < kLanes; ++i) lanes[i] = i < count ? p[i] : rest;
  return hn::Load(F32(), lanes);
#endif
}

/// Writes the first `count` lanes and nothing else.
HWY_INLINE void store_first(VecF v, float* p, int64_t count) {
  if (count >= kLanes) return store(v, p);
#if HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_AVX3
  hn::BlendedStore(v, hn::FirstN(F32(), static_cast<size_t>(count)), F32(), p);
#else
  HWY_ALIGN float lanes[kLanes];
  hn::Store(v, F32(), lanes);
  for (int64_t i = 0; i < count; ++i) p[i] = lanes[i];
#endif
}

}  // namespace tuco::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
