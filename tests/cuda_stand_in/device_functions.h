// CUDA's device functions that our kernels use, for the stand-in: warp operations on fibres,
// atomics, intrinsics. Included by device_code.h alone. Names and signatures are CUDA's.
#pragma once
#include <bit>
#include <cmath>
#include <limits>
#include <utility>

namespace standin {

/// The value of lane `source` among those that the lanes of `mask` bring.
template <class T>
T shuffle(unsigned mask, T value, int source, unsigned line) {
  static_assert(sizeof(T) <= 8 && std::is_trivially_copyable_v<T>);
  std::uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof(T));
  const std::uint64_t* all = exchange(mask, bits, line);
  std::memcpy(&value, &all[source], sizeof(T));
  return value;
}

/// A float or double as the nearest integer in one of the four ways of rounding; as on the device,
/// too large a number gives the nearest limit, and NaN gives 0.
template <class Int, class Float>
Int to_integer(Float rounded) {
  if (std::isnan(rounded)) return 0;
  // The power of two above the largest value is exact where the value itself may not be.
  const Float end = std::ldexp(Float{1}, std::numeric_limits<Int>::digits);
  if (rounded >= end) return std::numeric_limits<Int>::max();
  if (rounded < (std::is_signed_v<Int> ? -end : Float{0})) return std::numeric_limits<Int>::min();
  return static_cast<Int>(rounded);
}

template <class T, class Change>
T atomic(T* at, Change change) {  // blocks and threads never run at once
  const T old = *at;
  *at = change(old);
  return old;
}

}  // namespace standin

// ---- barriers and warps -------------------------------------------------------------------------
inline void __syncthreads(unsigned line = __builtin_LINE()) { standin::sync_block(0, line); }
inline int __syncthreads_count(int p, unsigned line = __builtin_LINE()) {
  return standin::sync_block(p, line).count;
}
inline int __syncthreads_and(int p, unsigned line = __builtin_LINE()) {
  const standin::Votes votes = standin::sync_block(p, line);
  return votes.count == votes.threads;
}
inline int __syncthreads_or(int p, unsigned line = __builtin_LINE()) {
  return standin::sync_block(p, line).count != 0;
}
inline void __syncwarp(unsigned mask = ~0u, unsigned line = __builtin_LINE()) {
  standin::exchange(mask, 0, line);
}
template <class T>
T __shfl_sync(unsigned mask, T v, int source, int width = 32, unsigned line = __builtin_LINE()) {
  const int first = int(standin::lane()) / width * width;
  return standin::shuffle(mask, v, first + (source & (width - 1)), line);
}
template <class T>
T __shfl_down_sync(unsigned mask, T v, unsigned delta, int width = 32,
                   unsigned line = __builtin_LINE()) {
  const int me = int(standin::lane()), last = me / width * width + width - 1;
  const int source = me + int(delta);
  return standin::shuffle(mask, v, source > last ? me : source, line);
}
template <class T>
T __shfl_up_sync(unsigned mask, T v, unsigned delta, int width = 32,
                 unsigned line = __builtin_LINE()) {
  const int me = int(standin::lane()), first = me / width * width;
  const int source = me - int(delta);
  return standin::shuffle(mask, v, source < first ? me : source, line);
}
template <class T>
T __shfl_xor_sync(unsigned mask, T v, int lanes, int width = 32, unsigned line = __builtin_LINE()) {
  const int me = int(standin::lane()), source = me ^ lanes;
  return standin::shuffle(mask, v, source / width > me / width ? me : source, line);
}
inline unsigned __ballot_sync(unsigned mask, int p, unsigned line = __builtin_LINE()) {
  const std::uint64_t* all = standin::exchange(mask, p != 0, line);
  unsigned votes = 0;
  for (unsigned l = 0; l < standin::kWarp; ++l)
    if (mask >> l & 1 && all[l] == 1) votes |= 1u << l;
  return votes;
}
inline int __any_sync(unsigned mask, int p, unsigned line = __builtin_LINE()) {
  return __ballot_sync(mask, p, line) != 0;
}
inline int __all_sync(unsigned mask, int p, unsigned line = __builtin_LINE()) {
  return __ballot_sync(mask, !p, line) == 0;
}
inline unsigned __activemask() { return standin::active_lanes(); }
inline void __threadfence() {}
inline void __threadfence_block() {}
inline void __threadfence_system() {}

// ---- atomics ------------------------------------------------------------------------------------
template <class T>
T atomicAdd(T* at, std::type_identity_t<T> v) {
  return standin::atomic(at, [v](T old) -> T {
    if constexpr (std::is_same_v<T, int>)  // wraps, as the device's does
      return static_cast<int>(static_cast<unsigned>(old) + static_cast<unsigned>(v));
    else
      return old + v;
  });
}
template <class T>
T atomicMax(T* at, std::type_identity_t<T> v) {
  return standin::atomic(at, [v](T old) { return v > old ? v : old; });
}
template <class T>
T atomicMin(T* at, std::type_identity_t<T> v) {
  return standin::atomic(at, [v](T old) { return v < old ? v : old; });
}
template <class T>
T atomicExch(T* at, std::type_identity_t<T> v) {
  return standin::atomic(at, [v](T) { return v; });
}
template <class T>
T atomicCAS(T* at, std::type_identity_t<T> expected, std::type_identity_t<T> v) {
  return standin::atomic(at, [=](T old) { return old == expected ? v : old; });
}

// ---- bits ---------------------------------------------------------------------------------------
inline int __popc(unsigned x) { return std::popcount(x); }
inline int __popcll(unsigned long long x) { return std::popcount(x); }
inline int __clz(int x) { return std::countl_zero(static_cast<unsigned>(x)); }
inline int __clzll(long long x) { return std::countl_zero(static_cast<unsigned long long>(x)); }
inline int __ffs(int x) { return x ? std::countr_zero(static_cast<unsigned>(x)) + 1 : 0; }
inline int __ffsll(long long x) {
  return x ? std::countr_zero(static_cast<unsigned long long>(x)) + 1 : 0;
}
inline int __float_as_int(float x) { return std::bit_cast<int>(x); }
inline unsigned __float_as_uint(float x) { return std::bit_cast<unsigned>(x); }
inline float __int_as_float(int x) { return std::bit_cast<float>(x); }
inline float __uint_as_float(unsigned x) { return std::bit_cast<float>(x); }
inline long long __double_as_longlong(double x) { return std::bit_cast<long long>(x); }
inline double __longlong_as_double(long long x) { return std::bit_cast<double>(x); }
template <class T>
T __ldg(const T* p) {
  return *p;
}

// ---- integers -----------------------------------------------------------------------------------
inline int __mulhi(int a, int b) { return int(static_cast<long long>(a) * b >> 32); }
inline unsigned __umulhi(unsigned a, unsigned b) {
  return unsigned(static_cast<unsigned long long>(a) * b >> 32);
}
inline long long __mul64hi(long long a, long long b) {
  __extension__ typedef __int128 Wide;
  return static_cast<long long>(static_cast<Wide>(a) * b >> 64);
}
inline unsigned long long __umul64hi(unsigned long long a, unsigned long long b) {
  __extension__ typedef unsigned __int128 Wide;
  return static_cast<unsigned long long>(static_cast<Wide>(a) * b >> 64);
}
/// The sum of the products of the four bytes of `a` and `b`, and c; signed if its operands are.
inline int __dp4a(int a, int b, int c) {
  unsigned sum = static_cast<unsigned>(c);  // wraps
  for (int i = 0; i < 32; i += 8)
    sum +=
        static_cast<unsigned>(static_cast<std::int8_t>(a >> i) * static_cast<std::int8_t>(b >> i));
  return static_cast<int>(sum);
}
inline unsigned __dp4a(unsigned a, unsigned b, unsigned c) {
  for (int i = 0; i < 32; i += 8) c += (a >> i & 0xff) * (b >> i & 0xff);
  return c;
}

// ---- rounding: n nearest even, z towards zero, d down, u up
// ----------------------------------------- The host's mode of rounding is to nearest even and is
// never changed here.
#define STANDIN_ROUNDINGS(name, Float, Int)                                             \
  inline Int name##_rn(Float x) { return standin::to_integer<Int>(std::nearbyint(x)); } \
  inline Int name##_rz(Float x) { return standin::to_integer<Int>(std::trunc(x)); }     \
  inline Int name##_rd(Float x) { return standin::to_integer<Int>(std::floor(x)); }     \
  inline Int name##_ru(Float x) { return standin::to_integer<Int>(std::ceil(x)); }
STANDIN_ROUNDINGS(__float2int, float, int)
STANDIN_ROUNDINGS(__float2uint, float, unsigned)
STANDIN_ROUNDINGS(__float2ll, float, long long)
STANDIN_ROUNDINGS(__double2int, double, int)
STANDIN_ROUNDINGS(__double2uint, double, unsigned)
STANDIN_ROUNDINGS(__double2ll, double, long long)
#undef STANDIN_ROUNDINGS
inline float __int2float_rn(int x) { return static_cast<float>(x); }
inline float __uint2float_rn(unsigned x) { return static_cast<float>(x); }
inline float __ll2float_rn(long long x) { return static_cast<float>(x); }
inline double __int2double_rn(int x) { return x; }
inline float __double2float_rn(double x) { return static_cast<float>(x); }

// ---- floating point -----------------------------------------------------------------------------
// The fast functions of the device are less exact than these.
inline float __expf(float x) noexcept { return std::exp(x); }
inline float __exp10f(float x) noexcept { return std::pow(10.0f, x); }
inline float __logf(float x) noexcept { return std::log(x); }
inline float __log2f(float x) noexcept { return std::log2(x); }
inline float __log10f(float x) noexcept { return std::log10(x); }
inline float __sinf(float x) noexcept { return std::sin(x); }
inline float __cosf(float x) noexcept { return std::cos(x); }
inline float __tanf(float x) noexcept { return std::tan(x); }
inline float __powf(float x, float y) noexcept { return std::pow(x, y); }
inline float __fdividef(float x, float y) { return x / y; }
inline float __saturatef(float x) { return x >= 0 ? (x <= 1 ? x : 1) : 0; }
inline float rsqrtf(float x) { return 1 / std::sqrt(x); }
inline double rsqrt(double x) { return 1 / std::sqrt(x); }
inline float __frsqrt_rn(float x) { return 1 / std::sqrt(x); }
inline float __fsqrt_rn(float x) { return std::sqrt(x); }
inline float __frcp_rn(float x) { return 1 / x; }
// Products and sums that the compiler must not merge into one rounding.
inline float __fadd_rn(float x, float y) { return x + y; }
inline float __fsub_rn(float x, float y) { return x - y; }
inline float __fmul_rn(float x, float y) { return x * y; }
inline float __fdiv_rn(float x, float y) { return x / y; }
inline float __fmaf_rn(float x, float y, float z) { return std::fma(x, y, z); }
inline double __dadd_rn(double x, double y) { return x + y; }
inline double __dmul_rn(double x, double y) { return x * y; }
inline double __fma_rn(double x, double y, double z) { return std::fma(x, y, z); }

#define STANDIN_MIN_MAX(T)                         \
  inline T min(T a, T b) { return b < a ? b : a; } \
  inline T max(T a, T b) { return a < b ? b : a; }
STANDIN_MIN_MAX(int)
STANDIN_MIN_MAX(unsigned)
STANDIN_MIN_MAX(long)
STANDIN_MIN_MAX(unsigned long)
STANDIN_MIN_MAX(long long)
STANDIN_MIN_MAX(unsigned long long)
#undef STANDIN_MIN_MAX
// Of a number and NaN, the number.
inline float min(float a, float b) { return std::fmin(a, b); }
inline float max(float a, float b) { return std::fmax(a, b); }
inline double min(double a, double b) { return std::fmin(a, b); }
inline double max(double a, double b) { return std::fmax(a, b); }
