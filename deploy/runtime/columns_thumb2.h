// Columns for convolutions (columns.h) on a Cortex-M3: four at a time, as bytes, interleaved: the
// first input of each, then the second of each, and so on.
#ifndef TUCO_RUNTIME_COLUMNS_THUMB2_H
#define TUCO_RUNTIME_COLUMNS_THUMB2_H

#include "finish.h"
#include "pairs.h"
#include "window.h"

#if TUCO_THUMB2 && !TUCO_SIMD32
enum { TUCO_COLUMNS = 4 };  // that are multiplied together

// Puts n inputs into a column, and n times the same value.
TUCO_INLINE int8_t* tuco_deal(int8_t* to, const int8_t* from, int32_t n) {
  for (; n >= 4; n -= 4, to += 16, from += 4) {
    to[0] = from[0];
    to[4] = from[1];
    to[8] = from[2];
    to[12] = from[3];
  }
  for (; n > 0; n--, to += 4) *to = *from++;
  return to;
}
TUCO_INLINE int8_t* tuco_deal_value(int8_t* to, int32_t value, int32_t n) {
  for (; n > 0; n--, to += 4) *to = (int8_t)value;
  return to;
}

// Gathers the window whose first tap is at (top, left) into column `number`; the zero point stands
// for the padding.
TUCO_INLINE void tuco_gather(int16_t* scratch, int32_t number, int32_t depth, const int8_t* in,
                             const tuco_window* g, int32_t top, int32_t left, int32_t zero_point) {
  (void)depth;
  const int32_t kx0 = tuco_min(tuco_first_tap(left, g->dilation_w), g->kernel_w);
  const int32_t kx1 = tuco_max(tuco_end_tap(left, g->in_w, g->dilation_w, g->kernel_w), kx0);
  const int32_t step = g->dilation_w == 1 ? tuco_max(kx1 - kx0, 1) : 1;  // taps side by side
  int8_t* to = (int8_t*)scratch + number;
  for (int32_t ky = 0; ky < g->kernel_h; ky++, top += g->dilation_h) {
    const int32_t inside = top >= 0 && top < g->in_h;
    to = tuco_deal_value(to, zero_point, (inside ? kx0 : g->kernel_w) * g->in_c);
    if (!inside) continue;
    for (int32_t kx = kx0; kx < kx1; kx += step)
      to =
          tuco_deal(to, in + (top * g->in_w + left + kx * g->dilation_w) * g->in_c, step * g->in_c);
    to = tuco_deal_value(to, zero_point, (g->kernel_w - kx1) * g->in_c);
  }
}

// Puts `count` pixels of `depth` inputs each into as many columns.
TUCO_INLINE void tuco_gather_pixels(int16_t* scratch, const int8_t* from, int32_t count,
                                    int32_t depth) {
  for (int32_t i = 0; i < count; i++, from += depth) tuco_deal((int8_t*)scratch + i, from, depth);
}

// What products with a pair of channels give for four columns.
typedef struct {
  int32_t both[4], first[4];  // 256 * second + first, and first
} tuco_four_sums;

// Four columns of `depth` inputs (a positive multiple of 4) times the weights of a pair of
// channels. The sums and what they are made of take all registers.
static TUCO_NOINLINE __attribute__((unused)) void tuco_dot_four_columns(tuco_four_sums* sums,
                                                                        const int16_t* w,
                                                                        const int8_t* x,
                                                                        int32_t depth) {
  register tuco_four_sums* r0 __asm__("r0") = sums;
  register const int16_t* r1 __asm__("r1") = w;
  register int32_t r2 __asm__("r2") = depth;
  register const int8_t* r3 __asm__("r3") = x;
#define TUCO_COLUMN(at, both, first) \
  "ldrsb r12, [r3, " at              \
  "\n\t"                             \
  "mla " both ", r0, r12, " both     \
  "\n\t"                             \
  "mla " first ", r2, r12, " first "\n\t"
#define TUCO_INPUT(a, b, c, d)                                            \
  "ldrsh r0, [r1], #2\n\t"                                                \
  "sxtb r2, r0\n\t" TUCO_COLUMN(a, "r4", "r8") TUCO_COLUMN(b, "r5", "r9") \
      TUCO_COLUMN(c, "r6", "r10") TUCO_COLUMN(d, "r7", "r11")
  __asm__ volatile(
      "push {r0, r7}\n\t"  // r7 may be the frame pointer, which cannot be said to change
      "subs r3, r3, #16\n\t"
      "add lr, r3, r2, lsl #2\n\t"
      "movs r4, #0\n\t"
      "movs r5, #0\n\t"
      "movs r6, #0\n\t"
      "movs r7, #0\n\t"
      "mov r8, #0\n\t"
      "mov r9, #0\n\t"
      "mov r10, #0\n\t"
      "mov r11, #0\n"
      "1:\n\t"
      // Weights stand in fours as 0, 2, 1, 3.
      TUCO_INPUT("#16]!", "#1]", "#2]", "#3]")
      TUCO_INPUT("#8]", "#9]", "#10]", "#11]")
      TUCO_INPUT("#4]", "#5]", "#6]", "#7]")
      TUCO_INPUT("#12]", "#13]", "#14]", "#15]")
      "cmp r3, lr\n\t"
      "bne 1b\n\t"
      "ldr r0, [sp]\n\t"
      "stm r0, {r4, r5, r6, r7, r8, r9, r10, r11}\n\t"
      "pop {r0, r7}"
      : "+r"(r0), "+r"(r1), "+r"(r2), "+r"(r3)
      :
      : "r4", "r5", "r6", "r8", "r9", "r10", "r11", "r12", "lr", "cc", "memory");
#undef TUCO_INPUT
#undef TUCO_COLUMN
}

// The outputs of `count` columns, 1 to 4, of `depth` inputs: out (count, out_c).
TUCO_INLINE void tuco_multiply_columns(int8_t* out, const int16_t* columns, int32_t count,
                                       const int16_t* weights, int32_t depth, int32_t out_c,
                                       const int32_t* channel, int32_t zero_point, int32_t low,
                                       int32_t high) {
  for (int32_t left = out_c; left > 0; left -= 2, weights += depth, channel += 4, out += 2) {
    tuco_four_sums sums;
    tuco_dot_four_columns(&sums, weights, (const int8_t*)columns, depth);
    int32_t twice = tuco_twice_bias(channel[0]), right = tuco_right_shift(channel[0]);
    int32_t multiplier = channel[1];
    int8_t* to = out;
    for (int32_t i = 0; i < count; i++, to += out_c)
      *to = tuco_bounded(tuco_finished(twice + 2 * sums.first[i], multiplier, right, zero_point),
                         low, high);
    if (left == 1) break;
    twice = tuco_twice_bias(channel[2]), right = tuco_right_shift(channel[2]);
    multiplier = channel[3];
    to = out + 1;
    for (int32_t i = 0; i < count; i++, to += out_c) {
      const tuco_pair_sum sum = {sums.both[i], sums.first[i]};
      *to = tuco_bounded(
          tuco_finished(twice + tuco_twice_second(sum), multiplier, right, zero_point), low, high);
    }
  }
}

#endif
#endif
