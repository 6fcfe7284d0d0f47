// The C runtime for devices: what every kernel builds on. C99 that is also C++, freestanding:
// nothing but <stdint.h> and <stddef.h>, no heap, no floating point, no state. int8 arithmetic is
// TFLite's reference arithmetic in every byte. Right shifts of negative integers are arithmetic,
// as they are in every compiler for the targets.
//
// The kernels are inlined at each call, so that one called with literal geometry is compiled for
// that geometry alone. Who wants one shared copy of each, as generated code does, defines
// TUCO_KERNEL as TUCO_SHARED before he includes a kernel: compilers then still work in what all
// calls have in common.
#ifndef TUCO_RUNTIME_BASE_H
#define TUCO_RUNTIME_BASE_H

#include <stddef.h>
#include <stdint.h>

#if defined(__CUDACC__)  // hosts compute with the same arithmetic on a GPU
#define TUCO_INLINE static inline __device__ __attribute__((always_inline, unused))
#define TUCO_SHARED static __device__ __attribute__((unused))
#define TUCO_NOINLINE __attribute__((noinline))
#define TUCO_RESTRICT __restrict__
#elif defined(__GNUC__)
#define TUCO_INLINE static inline __attribute__((always_inline, unused))
#define TUCO_SHARED static __attribute__((unused))
#define TUCO_NOINLINE __attribute__((noinline))
#define TUCO_RESTRICT __restrict
#elif defined(_MSC_VER)
#define TUCO_INLINE static __forceinline
#define TUCO_SHARED static
#define TUCO_NOINLINE __declspec(noinline)
#define TUCO_RESTRICT __restrict
#else
#define TUCO_INLINE static inline
#define TUCO_SHARED static
#define TUCO_NOINLINE
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
