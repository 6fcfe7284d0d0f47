// Helium, Arm's vectors of 128 bits (Cortex-M55 and M85), where the compiler says that the core has
// them: what its kernels share. Loops that GCC does not turn into low-overhead loops with tail
// predication are written as assembly.
#ifndef TUCO_RUNTIME_HELIUM_H
#define TUCO_RUNTIME_HELIUM_H

#include "finish.h"

#if TUCO_SIMD32 && defined(__ARM_FEATURE_MVE)
#if __ARM_FEATURE_MVE & 1
#define TUCO_HELIUM 1
#endif
#endif
#ifndef TUCO_HELIUM
#define TUCO_HELIUM 0
#endif

#if TUCO_HELIUM
#include <arm_mve.h>

// A predicate of these bits. GCC 12 makes another of a constant, so that none may be seen as one.
TUCO_INLINE mve_pred16_t tuco_predicate(uint32_t bits) {
  __asm__("" : "+r"(bits));
  return (mve_pred16_t)bits;
}

// The bias and right shift in channels' words, see finish.h.
TUCO_INLINE int32_t tuco_bias(int32_t word) { return word >> 6; }
TUCO_INLINE int32x4_t tuco_biases(int32x4_t words) { return vshrq_n_s32(words, 6); }
TUCO_INLINE int32x4_t tuco_left_shifts(int32x4_t words) {
  return vnegq_s32(vandq_s32(words, vdupq_n_s32(31)));
}

// One less where negative, which turns "ties away" into "ties up".
TUCO_INLINE int32x4_t tuco_ties_up(int32x4_t x) { return vaddq_s32(x, vshrq_n_s32(x, 31)); }

// sum * multiplier / 2^31 / 2^right, rounded twice, of four values of one channel, and of one value
// each of four channels, whose shifts are given as negative ones to the left.
TUCO_INLINE int32x4_t tuco_finished_values(int32x4_t sum, int32_t multiplier, int32_t right) {
  return vrshlq_n_s32(tuco_ties_up(vqrdmulhq_n_s32(sum, multiplier)), -right);
}
TUCO_INLINE int32x4_t tuco_finished_channels(int32x4_t sum, int32x4_t multiplier, int32x4_t left) {
  return vrshlq_s32(tuco_ties_up(vqrdmulhq_s32(sum, multiplier)), left);
}

// The values a0, b0, a1, b1, ... plus the zero point, moved into [low, high].
TUCO_INLINE int16x8_t tuco_bounded_values(int32x4_t a, int32x4_t b, int32_t zero_point, int32_t low,
                                          int32_t high) {
  __asm__("vqmovnb.s32 %q0, %q0" : "+w"(a));  // with the intrinsic GCC copies a
  int16x8_t both = vreinterpretq_s16_s32(a);
  both = vqaddq_n_s16(vqmovntq_s32(both, b), (int16_t)zero_point);
  return vminq_s16(vmaxq_s16(both, vdupq_n_s16((int16_t)low)), vdupq_n_s16((int16_t)high));
}

// Copies n bytes, and writes n times the same one; both give where they end.
TUCO_INLINE int8_t* tuco_copy_vectors(int8_t* to, const int8_t* from, int32_t n) {
  int8_t* at = to;
  __asm__ volatile(
      "wlstp.8 lr, %[n], 2f\n"
      "1:\n\t"
      "vldrb.8 q0, [%[from]], #16\n\t"
      "vstrb.8 q0, [%[at]], #16\n\t"
      "letp lr, 1b\n"
      "2:"
      : [at] "+&r"(at), [from] "+&r"(from)
      : [n] "r"(n)
      : "q0", "lr", "memory");
  return to + n;
}
TUCO_INLINE int8_t* tuco_fill_vectors(int8_t* to, int32_t value, int32_t n) {
  int8_t* at = to;
  __asm__ volatile(
      "vdup.8 q0, %[value]\n\t"
      "wlstp.8 lr, %[n], 2f\n"
      "1:\n\t"
      "vstrb.8 q0, [%[at]], #16\n\t"
      "letp lr, 1b\n"
      "2:"
      : [at] "+&r"(at)
      : [value] "r"(value), [n] "r"(n)
      : "q0", "lr", "memory");
  return to + n;
}

// Takes pairs of weights (pairs.h) apart, which stand in the registers `even` and `odd` as VLD2 or
// VLD4 deals out their words, 0 2 4 ... and 1 3 5 ...: the first channel's come into `even`, the
// second's, which are the pairs divided by 256 and rounded, into `second`.
#define TUCO_SPLIT_PAIRS(even, odd, second) \
  "vrshrnb.i16 " second ", " even           \
  ", #8\n\t"                                \
  "vrshrnt.i16 " second ", " odd            \
  ", #8\n\t"                                \
  "vmovnt.i16 " even ", " odd "\n\t"

#endif
#endif
