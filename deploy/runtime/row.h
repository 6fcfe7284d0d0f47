// A fully connected layer on one row of inputs, whose number is a multiple of 4: the weights of two
// pairs of channels (pairs.h) meet each load of inputs.
#ifndef TUCO_RUNTIME_ROW_H
#define TUCO_RUNTIME_ROW_H

#include "finish.h"
#include "pairs.h"

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

// out (out_c) from in (in_c), for in_c a multiple of 4. weights: for each four channels the two
// pairs' (in_c) as above; channels beyond out_c are zeros. bias and multiplier hold the channels'
// words of finish.h; multipliers lie `step` words apart, which is 0 where there is one for all.
// in is aligned to words; out overlaps nothing.
TUCO_KERNEL void tuco_fully_connected_row(int8_t* TUCO_RESTRICT out, const int8_t* TUCO_RESTRICT in,
                                          const int16_t* weights, int32_t in_c, int32_t out_c,
                                          const int32_t* bias, const int32_t* multiplier,
                                          int32_t step, int32_t zero_point, int32_t low,
                                          int32_t high) {
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
}

#endif
