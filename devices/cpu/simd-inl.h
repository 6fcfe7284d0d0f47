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

#ifndef TUCO_INLINE_LAMBDA
/// Stands before the body of a lambda that works on vectors.
#define TUCO_INLINE_LAMBDA HWY_ATTR __attribute__((always_inline))
#endif
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
/// x within [low, high]; NaN stays NaN, which x86 takes from the second operand, and Arm from none.
HWY_INLINE VecF clamp(VecF x, VecF low, VecF high) {
  const VecF clamped = hn::Min(high, hn::Max(low, x));
  return HWY_ARCH_X86 ? clamped : hn::IfThenElse(hn::IsNaN(x), x, clamped);
}

/// Calls body(first, count) for the vectors of 32-bit lanes that `size` values fill; `count` is
/// known at compile time but for the last.
template <class Body>
HWY_INLINE void for_each_vector(int64_t size, const Body& body) {
  int64_t i = 0;
  for (; i + kLanes <= size; i += kLanes) body(i, kLanes);
  if (i < size) body(i, size - i);
}

/// The first `count` lanes from memory, the others `rest`; touches nothing behind them.
template <class D, class T = hn::TFromD<D>>
HWY_INLINE hn::Vec<D> load_first(D d, const T* p, int64_t count, T rest = 0) {
  if (count >= kLanes) return hn::LoadU(d, p);
#if HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_AVX3
  const auto mask = hn::FirstN(d, static_cast<size_t>(count));
  return hn::IfThenElse(mask, hn::MaskedLoad(mask, d, p), hn::Set(d, rest));
#else
  HWY_ALIGN T lanes[kLanes];
  for (int64_t i = 0; i < kLanes; ++i) lanes[i] = i < count ? p[i] : rest;
  return hn::Load(d, lanes);
#endif
}
HWY_INLINE VecF load_first(const float* p, int64_t count, float rest = 0) {
  return load_first(F32(), p, count, rest);
}

/// Writes the first `count` lanes and nothing else.
template <class D, class T = hn::TFromD<D>>
HWY_INLINE void store_first(D d, hn::Vec<D> v, T* p, int64_t count) {
  if (count >= kLanes) return hn::StoreU(v, d, p);
#if HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_AVX3
  hn::BlendedStore(v, hn::FirstN(d, static_cast<size_t>(count)), d, p);
#else
  HWY_ALIGN T lanes[kLanes];
  hn::Store(v, d, lanes);
  for (int64_t i = 0; i < count; ++i) p[i] = lanes[i];
#endif
}
HWY_INLINE void store_first(VecF v, float* p, int64_t count) { store_first(F32(), v, p, count); }

// Bytes in memory, as integers in registers that are as many as floats.
using I32 = hn::RebindToSigned<F32>;
using VecI = hn::Vec<I32>;
using U8 = hn::Rebind<uint8_t, F32>;

HWY_INLINE VecI load_bytes(const uint8_t* p, int64_t count) {
  HWY_ALIGN uint8_t lanes[kLanes] = {};
  if (count < kLanes) {
    for (int64_t i = 0; i < count; ++i) lanes[i] = p[i];
    p = lanes;
  }
  return hn::PromoteTo(I32(), hn::LoadU(U8(), p));
}
/// Writes the low bytes.
HWY_INLINE void store_bytes(VecI v, uint8_t* p, int64_t count) {
#if HWY_TARGET == HWY_AVX3
  const hn::Vec<U8> bytes{_mm512_cvtepi32_epi8(v.raw)};
#else
  const auto bytes = hn::DemoteTo(U8(), v);
#endif
  if (count >= kLanes) return hn::StoreU(bytes, U8(), p);
  HWY_ALIGN uint8_t lanes[kLanes];
  hn::StoreU(bytes, U8(), lanes);
  for (int64_t i = 0; i < count; ++i) p[i] = lanes[i];
}

HWY_INLINE VecI splat_integer(int64_t i) { return hn::Set(I32(), static_cast<int32_t>(i)); }

/// `yes` where a mask over floats says so, else `no`.
template <class Mask>
HWY_INLINE VecI choose_integer(Mask mask, VecI yes, VecI no) {
  return hn::IfThenElse(hn::RebindMask(I32(), mask), yes, no);
}

/// A mask over floats: where two vectors of integers are equal.
HWY_INLINE hn::Mask<F32> equal_integers(VecI a, VecI b) {
  return hn::RebindMask(F32(), hn::Eq(a, b));
}

}  // namespace tuco::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
