// Products of int8 weights with a column of inputs, for two output channels at once. A pair of
// weights of the channels c and c + 1 is one int16, 256 * w[c + 1] + w[c]: products with it give
// 256 * (sum of c + 1) + (sum of c), modulo 2^32, and products with its low byte the sum of c
// alone. So no instruction is spent on taking the second weight out. The sum of c + 1 must be in
// [-2^23, 2^23), and a weight of -128 may not have a negative neighbour; who packs the weights sees
// to both.
//
// The weights along the depth stand in fours as 0, 2, 1, 3, which is how Arm's byte-extending
// instructions deal out a word, and the depth is filled up with zeros to a multiple of four.
#ifndef TUCO_RUNTIME_PAIRS_H
#define TUCO_RUNTIME_PAIRS_H

#include "simd32.h"

// What the products of a pair of channels with a column give.
typedef struct {
  int32_t both, first;  // 256 * second + first, and first
} tuco_pair_sum;

// Twice the sums, which is what tuco_finished takes.
TUCO_INLINE int32_t tuco_twice_first(tuco_pair_sum sum) { return 2 * sum.first; }
TUCO_INLINE int32_t tuco_twice_second(tuco_pair_sum sum) {
  return (int32_t)((uint32_t)sum.both - (uint32_t)sum.first) >> 7;
}

// Adds to the sums of one column.
TUCO_INLINE void tuco_add_products(tuco_pair_sum* sum, int32_t weight, int32_t x) {
  sum->both = (int32_t)((uint32_t)sum->both + (uint32_t)(weight * x));
  sum->first += (int8_t)weight * x;
}

#if TUCO_SIMD32
// Sets both of `sum` by running steps, assembly for four inputs each, over the weights at w and the
// inputs at x until x is `end`. Steps go two by two; which of them is the first is seen from the
// distance to the end, of which `shift` brings the bit that is set for an odd number to the top.
#define TUCO_RUN_STEPS(step, shift, end)                                                          \
  do {                                                                                            \
    int32_t both0 = 0, first0 = 0, both1 = 0, first1 = 0;                                         \
    uint32_t w0, w1, x0, x1, bytes;                                                               \
    __asm__ volatile(                                                                             \
        "sub %[w0], %[last], %[x]\n\t"                                                            \
        "lsls %[w0], %[w0], #" shift                                                              \
        "\n\t bmi 2f\n"                                                                           \
        "1:\n\t" step "2:\n\t" step "cmp %[x], %[last]\n\t bne 1b\n\t"                            \
        : [both0] "+r"(both0), [first0] "+r"(first0), [both1] "+r"(both1), [first1] "+r"(first1), \
          [w] "+r"(w), [x] "+r"(x), [w0] "=&r"(w0), [w1] "=&r"(w1), [bytes] "=&r"(bytes),         \
          [x0] "=&r"(x0), [x1] "=&r"(x1)                                                          \
        : [last] "r"(end)                                                                         \
        : "cc", "memory");                                                                        \
    sum[0].both = both0;                                                                          \
    sum[0].first = first0;                                                                        \
    sum[1].both = both1;                                                                          \
    sum[1].first = first1;                                                                        \
  } while (0)
#endif

// Two columns of `depth` inputs (a positive multiple of 4) times the weights of a pair of channels.
// The columns are interleaved by twos: x = first column's 0 and 2, second's 0 and 2, first's 1 and
// 3, second's 1 and 3, first's 4 and 6, ...
TUCO_INLINE void tuco_dot_two_columns(tuco_pair_sum sum[2], const int16_t* w, const int16_t* x,
                                      int32_t depth) {
#if TUCO_SIMD32
#define TUCO_STEP                                   \
  "ldrd %[w0], %[w1], [%[w]], #8\n\t"               \
  "ldrd %[x0], %[x1], [%[x]], #8\n\t"               \
  "sxtb16 %[bytes], %[w0]\n\t"                      \
  "smlad %[both0], %[w0], %[x0], %[both0]\n\t"      \
  "smlad %[first0], %[bytes], %[x0], %[first0]\n\t" \
  "smlad %[both1], %[w0], %[x1], %[both1]\n\t"      \
  "smlad %[first1], %[bytes], %[x1], %[first1]\n\t" \
  "ldrd %[x0], %[x1], [%[x]], #8\n\t"               \
  "sxtb16 %[bytes], %[w1]\n\t"                      \
  "smlad %[both0], %[w1], %[x0], %[both0]\n\t"      \
  "smlad %[first0], %[bytes], %[x0], %[first0]\n\t" \
  "smlad %[both1], %[w1], %[x1], %[both1]\n\t"      \
  "smlad %[first1], %[bytes], %[x1], %[first1]\n\t"
  TUCO_RUN_STEPS(TUCO_STEP, "27", x + 2 * depth);
#undef TUCO_STEP
#else
  tuco_pair_sum a = {0, 0}, b = {0, 0};
  for (int32_t k = 0; k < depth; k += 4, w += 4, x += 8) {
    tuco_add_products(&a, w[0], x[0]);
    tuco_add_products(&b, w[0], x[2]);
    tuco_add_products(&a, w[1], x[1]);
    tuco_add_products(&b, w[1], x[3]);
    tuco_add_products(&a, w[2], x[4]);
    tuco_add_products(&b, w[2], x[6]);
    tuco_add_products(&a, w[3], x[5]);
    tuco_add_products(&b, w[3], x[7]);
  }
  sum[0] = a;
  sum[1] = b;
#endif
}

#endif
