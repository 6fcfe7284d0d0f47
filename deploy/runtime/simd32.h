// Arm's SIMD instructions on 32-bit registers (Cortex-M4, M7, M33 and M55), where the compiler says
// that the core has them. They are written as assembly, since old compilers for Arduino boards lack
// the intrinsics. Without optimisation there may be too few registers, and the portable code, which
// gives the same bytes, is compiled instead; so it is where TUCO_PORTABLE is defined.
#ifndef TUCO_RUNTIME_SIMD32_H
#define TUCO_RUNTIME_SIMD32_H

#include "base.h"

#if defined(__thumb2__) && defined(__GNUC__) && defined(__OPTIMIZE__) && !defined(TUCO_PORTABLE)
#define TUCO_THUMB2 1  // Cortex-M3 as well
#else
#define TUCO_THUMB2 0
#endif

#if TUCO_THUMB2 && defined(__ARM_FEATURE_SIMD32) && !defined(__ARM_BIG_ENDIAN)
#define TUCO_SIMD32 1
#else
#define TUCO_SIMD32 0
#endif

#if TUCO_SIMD32

// A word at any address.
typedef struct {
  uint32_t value;
} __attribute__((packed, may_alias)) tuco_word;

TUCO_INLINE uint32_t tuco_load_word(const int8_t* at) { return ((const tuco_word*)at)->value; }

// The bytes 0 and 2 of a word, each with its sign and plus a half of `add`.
TUCO_INLINE uint32_t tuco_even_bytes(uint32_t add, uint32_t word) {
  uint32_t result;
  __asm__("sxtab16 %0, %1, %2" : "=r"(result) : "r"(add), "r"(word));
  return result;
}

// The bytes 1 and 3.
TUCO_INLINE uint32_t tuco_odd_bytes(uint32_t add, uint32_t word) {
  uint32_t result;
  __asm__("sxtab16 %0, %1, %2, ror #8" : "=r"(result) : "r"(add), "r"(word));
  return result;
}

// sum + the product of the low halves; and of the high halves.
TUCO_INLINE int32_t tuco_add_low_product(int32_t sum, uint32_t a, uint32_t b) {
  int32_t result;
  __asm__("smlabb %0, %1, %2, %3" : "=r"(result) : "r"(a), "r"(b), "r"(sum));
  return result;
}
TUCO_INLINE int32_t tuco_add_high_product(int32_t sum, uint32_t a, uint32_t b) {
  int32_t result;
  __asm__("smlatt %0, %1, %2, %3" : "=r"(result) : "r"(a), "r"(b), "r"(sum));
  return result;
}

#endif
#endif
