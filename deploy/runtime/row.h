// A fully connected layer on one row of inputs, whose number is a multiple of 4: the weights of two
// pairs of channels (pairs.h) meet each load of inputs.
#ifndef TUCO_RUNTIME_ROW_H
#define TUCO_RUNTIME_ROW_H

#include "helium.h"
#include "pairs.h"

#if TUCO_HELIUM

// The sums of four channels, whose weights are two pairs, each for four inputs in turn: the first 4
// to 16 inputs set them, and blocks of 16 follow.
TUCO_INLINE int32x4_t tuco_dot_four_channels(const int16_t* w, const int8_t* x, int32_t depth) {
  int32_t s0 = 0, s1, s2, s3;
  uint32_t predicate;  // compilers cannot be told that it changes
  const int32_t head = ((depth - 1) & 15) + 1;
#define TUCO_SPLIT TUCO_SPLIT_PAIRS("q0", "q1", "q4") TUCO_SPLIT_PAIRS("q2", "q3", "q1")
  __asm__ volatile(
      "vmrs %[predicate], p0\n\t"
      "vidup.u32 q4, %[s0], #4\n\t"
      "vshl.i32 q4, q4, #2\n\t"
      "vadd.i32 q4, q4, %[w]\n\t"
      "vctp.8 %[head]\n\t"
      "vpstttt\n\t"
      "vldrwt.u32 q0, [q4]\n\t"
      "vldrwt.u32 q1, [q4, #4]\n\t"
      "vldrwt.u32 q2, [q4, #8]\n\t"
      "vldrwt.u32 q3, [q4, #12]\n\t"
      "add %[w], %[w], %[head], lsl #2\n\t"  //
      TUCO_SPLIT
      "vpst\n\t"
      "vldrbt.u8 q3, [%[x]]\n\t"
      "add %[x], %[x], %[head]\n\t"
      "vmladav.s8 %[s0], q0, q3\n\t"
      "vmladav.s8 %[s1], q4, q3\n\t"
      "vmladav.s8 %[s2], q2, q3\n\t"
      "vmladav.s8 %[s3], q1, q3\n\t"
      "wls lr, %[blocks], 2f\n"
      "1:\n\t"
      "vld40.32 {q0, q1, q2, q3}, [%[w]]\n\t"
      "vld41.32 {q0, q1, q2, q3}, [%[w]]\n\t"
      "vld42.32 {q0, q1, q2, q3}, [%[w]]\n\t"
      "vld43.32 {q0, q1, q2, q3}, [%[w]]!\n\t"  //
      TUCO_SPLIT
      "vldrb.8 q3, [%[x]], #16\n\t"
      "vmladava.s8 %[s0], q0, q3\n\t"
      "vmladava.s8 %[s1], q4, q3\n\t"
      "vmladava.s8 %[s2], q2, q3\n\t"
      "vmladava.s8 %[s3], q1, q3\n\t"
      "le lr, 1b\n"
      "2:\n\t"
      "vmsr p0, %[predicate]"
      : [predicate] "=&r"(predicate), [s0] "+&Te"(s0), [s1] "=&Te"(s1), [s2] "=&Te"(s2),
        [s3] "=&Te"(s3), [w] "+&r"(w), [x] "+&r"(x)
      : [head] "r"(head), [blocks] "r"((depth - head) >> 4)
      : "q0", "q1", "q2", "q3", "q4", "lr", "memory");
#undef TUCO_SPLIT
  int32x4_t sum = vdupq_n_s32(s0);
  sum = vsetq_lane_s32(s1, sum, 1);
  sum = vsetq_lane_s32(s2, sum, 2);
  return vsetq_lane_s32(s3, sum, 3);
}

#else

// The sums of four channels, whose weights are two pairs, each for four inputs in turn.
TUCO_INLINE void tuco_dot_four_channels(tuco_pair_sum sum[2], const int16_t* w, const int8_t* x,
                                        int32_t depth) {
#if TUCO_SIMD32
#define TUCO_STEP                                   \
  "ldr %[x1], [%[x]], #4\n\t"                       \
  "ldrd %[w0], %[w1], [%[w]], #8\n\t"               \
  "sxtb16 %[x0], %[x1]\n\t"                         \
  "sxtb16 %[x1], %[x1], ror #8\n\t"                 \
  "sxtb16 %[bytes], %[w0]\n\t"                      \
  "smlad %[both0], %[w0], %[x0], %[both0]\n\t"      \
  "smlad %[first0], %[bytes], %[x0], %[first0]\n\t" \
  "sxtb16 %[bytes], %[w1]\n\t"                      \
  "smlad %[both0], %[w1], %[x1], %[both0]\n\t"      \
  "smlad %[first0], %[bytes], %[x1], %[first0]\n\t" \
  "ldrd %[w0], %[w1], [%[w]], #8\n\t"               \
  "sxtb16 %[bytes], %[w0]\n\t"                      \
  "smlad %[both1], %[w0], %[x0], %[both1]\n\t"      \
  "smlad %[first1], %[bytes], %[x0], %[first1]\n\t" \
  "sxtb16 %[bytes], %[w1]\n\t"                      \
  "smlad %[both1], %[w1], %[x1], %[both1]\n\t"      \
  "smlad %[first1], %[bytes], %[x1], %[first1]\n\t"
  TUCO_RUN_STEPS(TUCO_STEP, "29", x + depth);
#undef TUCO_STEP
#elif TUCO_THUMB2
  int32_t both0 = 0, first0 = 0, both1 = 0, first1 = 0, value, pair, byte;
  // Weights stand in fours as 0, 2, 1, 3, first of the one pair, then of the other.
#define TUCO_STEP(input, at, other)                 \
  "ldrsb %[value], [%[x], " input                   \
  "\n\t"                                            \
  "ldrsh %[pair], [%[w], " at                       \
  "\n\t"                                            \
  "mla %[both0], %[pair], %[value], %[both0]\n\t"   \
  "sxtb %[byte], %[pair]\n\t"                       \
  "mla %[first0], %[byte], %[value], %[first0]\n\t" \
  "ldrsh %[pair], [%[w], " other                    \
  "]\n\t"                                           \
  "mla %[both1], %[pair], %[value], %[both1]\n\t"   \
  "sxtb %[byte], %[pair]\n\t"                       \
  "mla %[first1], %[byte], %[value], %[first1]\n\t"
  __asm__ volatile(
      "subs %[w], %[w], #16\n\t"
      "subs %[x], %[x], #4\n"
      "1:\n\t"  //
      TUCO_STEP("#4]!", "#16]!", "#8")
      TUCO_STEP("#2]", "#2]", "#10")
      TUCO_STEP("#1]", "#4]", "#12")
      TUCO_STEP("#3]", "#6]", "#14")
      "cmp %[x], %[last]\n\t"
      "bne 1b"
      : [both0] "+&r"(both0), [first0] "+&r"(first0), [both1] "+&r"(both1), [first1] "+&r"(first1),
        [w] "+&r"(w), [x] "+&r"(x), [value] "=&r"(value), [pair] "=&r"(pair), [byte] "=&r"(byte)
      : [last] "r"(x + depth - 4)
      : "cc", "memory");
#undef TUCO_STEP
  sum[0].both = both0;
  sum[0].first = first0;
  sum[1].both = both1;
  sum[1].first = first1;
#else
  tuco_pair_sum a = {0, 0}, b = {0, 0};
  for (int32_t k = 0; k < depth; k += 4, w += 8, x += 4) {
    tuco_add_products(&a, w[0], x[0]);
    tuco_add_products(&a, w[1], x[2]);
    tuco_add_products(&a, w[2], x[1]);
    tuco_add_products(&a, w[3], x[3]);
    tuco_add_products(&b, w[4], x[0]);
    tuco_add_products(&b, w[5], x[2]);
    tuco_add_products(&b, w[6], x[1]);
    tuco_add_products(&b, w[7], x[3]);
  }
  sum[0] = a;
  sum[1] = b;
#endif
}

#endif

// The sums themselves.
TUCO_INLINE void tuco_four_channel_sums(int32_t sum[4], const int16_t* w, const int8_t* x,
                                        int32_t depth) {
#if TUCO_HELIUM
  vstrwq_s32(sum, tuco_dot_four_channels(w, x, depth));
#else
  tuco_pair_sum pair[2];
  tuco_dot_four_channels(pair, w, x, depth);
  for (int32_t i = 0; i < 2; i++) {
    sum[2 * i] = pair[i].first;
    sum[2 * i + 1] = tuco_twice_second(pair[i]) >> 1;
  }
#endif
}

// out (out_c) from in (in_c), for in_c a multiple of 4. weights: for each four channels the two
// pairs' (in_c) as above; channels beyond out_c are zeros. bias and multiplier hold the channels'
// words of finish.h; multipliers lie `step` words apart, which is 0 where there is one for all.
// in is aligned to words; out overlaps nothing.
TUCO_KERNEL void tuco_fully_connected_row(int8_t* TUCO_RESTRICT out, const int8_t* TUCO_RESTRICT in,
                                          const int16_t* weights, int32_t in_c, int32_t out_c,
                                          const int32_t* bias, const int32_t* multiplier,
                                          int32_t step, int32_t zero_point, int32_t low,
                                          int32_t high) {
#if TUCO_HELIUM
  for (int32_t left = out_c; left > 0; left -= 4, weights += 2 * in_c, bias += 4, out += 4) {
    const mve_pred16_t there = vctp32q((uint32_t)left);
    const int32x4_t sum = tuco_dot_four_channels(weights, in, in_c);
    const int32x4_t words = vldrwq_z_s32(bias, there);
    int32x4_t factor = vdupq_n_s32(*multiplier);
    if (step != 0) factor = vldrwq_z_s32(multiplier, there);
    multiplier += 4 * step;
    int32x4_t y =
        tuco_finished_channels(vaddq_s32(sum, tuco_biases(words)), factor, tuco_left_shifts(words));
    y = vaddq_n_s32(y, zero_point);
    y = vminq_s32(vmaxq_s32(y, vdupq_n_s32(low)), vdupq_n_s32(high));
    vstrbq_p_s32(out, y, there);
  }
#else
  for (int32_t left = out_c; left > 0; left -= 4, weights += 2 * in_c) {
    tuco_pair_sum sum[2];
    tuco_dot_four_channels(sum, weights, in, in_c);
    const int32_t twice[4] = {tuco_twice_first(sum[0]), tuco_twice_second(sum[0]),
                              tuco_twice_first(sum[1]), tuco_twice_second(sum[1])};
    for (int32_t i = 0; i < 4 && i < left; i++, multiplier += step) {
      const int32_t word = *bias++;
      *out++ = tuco_bounded(tuco_finished(tuco_twice_bias(word) + twice[i], *multiplier,
                                          tuco_right_shift(word), zero_point),
                            low, high);
    }
  }
#endif
}

#endif
