// The C runtime for devices: what every kernel builds on. C99 that is also C++, freestanding:
// nothing but <stdint.h> and <stddef.h>, no heap, no floating point, no state. int8 arithmetic is
// TFLite's reference arithmetic in every byte. Right shifts of negative integers are arithmetic,
// as they are in every compiler for the targets.
//
// The kernels are inlined at each call, so that one called with literal geometry is compiled for
// that geometry alone. Who wants one shared copy instead wraps the call in a function of his own,
// or defines TUCO_KERNEL (as `static`, say) before he includes a kernel.
#ifndef TUCO_RUNTIME_BASE_H
#define TUCO_RUNTIME_BASE_H

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define TUCO_INLINE static inline __attribute__((always_inline, unused))
#define TUCO_RESTRICT __restrict
#elif defined(_MSC_VER)
#define TUCO_INLINE static __forceinline
#define TUCO_RESTRICT __restrict
#else
#define TUCO_INLINE static inline
#define TUCO_RESTRICT
#endif

#ifndef TUCO_KERNEL
#define TUCO_KERNEL TUCO_INLINE
#endif

TUCO_INLINE int32_t tuco_min(int32_t a, int32_t b) { return a < b ? a : b; }

TUCO_INLINE int32_t tuco_max(int32_t a, int32_t b) { return a > b ? a : b; }

// The value moved into [low, high].
TUCO_INLINE int32_t tuco_clamped(int32_t value, int32_t low, int32_t high) {
  return value < low ? low : value > high ? high : value;
}

#endif
