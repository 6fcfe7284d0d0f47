// Columns for convolutions (columns.h) with Helium: four at a time, as bytes, one behind the other.
#ifndef TUCO_RUNTIME_COLUMNS_HELIUM_H
#define TUCO_RUNTIME_COLUMNS_HELIUM_H

#include "helium.h"
#include "pairs.h"
#include "window.h"

#if TUCO_HELIUM
enum { TUCO_COLUMNS = 4 };  // that are multiplied together

// Gathers the window whose first tap is at (top, left) into column `number`; the zero point stands
// for the padding.
TUCO_INLINE void tuco_gather(int16_t* scratch, int32_t number, int32_t depth, const int8_t* in,
                             const tuco_window* g, int32_t top, int32_t left, int32_t zero_point) {
  const int32_t kx0 = tuco_min(tuco_first_tap(left, g->dilation_w), g->kernel_w);
  const int32_t kx1 = tuco_max(tuco_end_tap(left, g->in_w, g->dilation_w, g->kernel_w), kx0);
  const int32_t step = g->dilation_w == 1 ? tuco_max(kx1 - kx0, 1) : 1;  // taps side by side
  const int32_t row = g->in_w * g->in_c, before = kx0 * g->in_c;
  const int32_t after = (g->kernel_w - kx1) * g->in_c;
  int8_t* to = (int8_t*)scratch + number * depth;
  for (int32_t ky = g->kernel_h; ky > 0; ky--, top += g->dilation_h) {
    if (top < 0 || top >= g->in_h) {
      to = tuco_fill_vectors(to, zero_point, g->kernel_w * g->in_c);
      continue;
    }
    if (before > 0) to = tuco_fill_vectors(to, zero_point, before);
    const int8_t* from = in + top * row + (left + kx0 * g->dilation_w) * g->in_c;
    for (int32_t kx = kx0; kx < kx1; kx += step, from += g->dilation_w * g->in_c)
      to = tuco_copy_vectors(to, from, step * g->in_c);
    if (after > 0) to = tuco_fill_vectors(to, zero_point, after);
  }
}

// Puts `count` pixels of `depth` inputs each into as many columns.
TUCO_INLINE void tuco_gather_pixels(int16_t* scratch, const int8_t* from, int32_t count,
                                    int32_t depth) {
  tuco_copy_vectors((int8_t*)scratch, from, count * depth);
}

// The sums of four columns of `depth` inputs (a positive multiple of 4): those of the first channel
// of a pair, and then those of the second. Eight accumulators, which Helium wants to be even
// registers, take all of these, the counter of low-overhead loops among them.
static TUCO_NOINLINE __attribute__((unused)) void tuco_dot_four_columns(int32_t sum[8],
                                                                        const int16_t* w,
                                                                        const int8_t* x,
                                                                        int32_t depth) {
  register int32_t* r0 __asm__("r0") = sum;
  register const int16_t* r1 __asm__("r1") = w;
  register int32_t r2 __asm__("r2") = depth;
  register const int8_t* r3 __asm__("r3") = x;
  // The first 4 to 16 inputs set the accumulators, and blocks of 16 follow.
#define TUCO_HEAD(x, first, second) \
  "vpst\n\t"                        \
  "vldrbt.u8 q3, [" x               \
  "]\n\t"                           \
  "add " x ", " x                   \
  ", r2\n\t"                        \
  "vmladav.s8 " first               \
  ", q0, q3\n\t"                    \
  "vmladav.s8 " second ", q2, q3\n\t"
#define TUCO_BLOCK(x, q, first, second) \
  "vldrb.8 " q ", [" x                  \
  "], #16\n\t"                          \
  "vmladava.s8 " first ", q0, " q       \
  "\n\t"                                \
  "vmladava.s8 " second ", q2, " q "\n\t"
  __asm__ volatile(
      // Compilers cannot be told that the predicate changes, nor r7, which may be the frame pointer.
      "vmrs r4, p0\n\t"
      "push {r0, r4, r7}\n\t"
      "add r5, r3, r2\n\t"
      "add r7, r5, r2\n\t"
      "add r9, r7, r2\n\t"
      "subs r2, r2, #1\n\t"
      "lsr r11, r2, #4\n\t"
      "and r2, r2, #15\n\t"
      "adds r2, r2, #1\n\t"
      "mov r0, r1\n\t"
      "vidup.u32 q3, r0, #8\n\t"
      "vctp.8 r2\n\t"
      "vpstt\n\t"
      "vldrwt.u32 q0, [q3]\n\t"
      "vldrwt.u32 q1, [q3, #4]\n\t"
      "add r1, r1, r2, lsl #1\n\t"  //
      TUCO_SPLIT_PAIRS("q0", "q1", "q2")
      TUCO_HEAD("r3", "r0", "r8")
      TUCO_HEAD("r7", "r4", "r12")
      TUCO_HEAD("r9", "r6", "lr")
      TUCO_HEAD("r5", "r2", "r10")
      "cmp r11, #0\n\t"
      "beq 2f\n"
      "1:\n\t"
      "vld20.32 {q0, q1}, [r1]\n\t"
      "vld21.32 {q0, q1}, [r1]!\n\t"
      TUCO_SPLIT_PAIRS("q0", "q1", "q2")
      TUCO_BLOCK("r3", "q3", "r0", "r8")
      TUCO_BLOCK("r5", "q1", "r2", "r10")
      TUCO_BLOCK("r7", "q3", "r4", "r12")
      TUCO_BLOCK("r9", "q1", "r6", "lr")
      "subs r11, r11, #1\n\t"
      "bne 1b\n"
      "2:\n\t"
      "pop {r1, r3, r7}\n\t"
      "vmsr p0, r3\n\t"
      "stm r1, {r0, r2, r4, r6, r8, r10, r12, lr}\n\t"
      : "+r"(r0), "+r"(r1), "+r"(r2), "+r"(r3)
      :
      : "r4", "r5", "r6", "r8", "r9", "r10", "r11", "r12", "lr", "q0", "q1", "q2", "q3",
        "cc", "memory");
#undef TUCO_HEAD
#undef TUCO_BLOCK
}

// The outputs of `count` columns, 1 to 4, of `depth` inputs: out (count, out_c), with out_c at
// most 16384.
TUCO_INLINE void tuco_multiply_columns(int8_t* out, const int16_t* columns, int32_t count,
                                       const int16_t* weights, int32_t depth, int32_t out_c,
                                       const int32_t* channel, int32_t zero_point, int32_t low,
                                       int32_t high) {
  const uint16x8_t lanes = vidupq_n_u16(0, 1);  // column 0's first and second, column 1's, ...
  const uint16x8_t at = vaddq_u16(vmulq_n_u16(vshrq_n_u16(lanes, 1), (uint16_t)out_c),
                                  vandq_u16(lanes, vdupq_n_u16(1)));
  uint32_t stored = (1u << 4 * count) - 1;
  for (int32_t left = out_c; left > 0; left -= 2, weights += depth, channel += 4, out += 2) {
    const int32_t* second = channel + 2;
    if (left == 1) {
      second = channel;
      stored &= 0x3333;
    }
    int32_t sum[8];
    tuco_dot_four_columns(sum, weights, (const int8_t*)columns, depth);
    const int32x4_t a = tuco_finished_values(vaddq_n_s32(vldrwq_s32(sum), tuco_bias(channel[0])),
                                             channel[1], tuco_right_shift(channel[0]));
    const int32x4_t b = tuco_finished_values(vaddq_n_s32(vldrwq_s32(sum + 4), tuco_bias(second[0])),
                                             second[1], tuco_right_shift(second[0]));
    vstrbq_scatter_offset_p_s16(out, at, tuco_bounded_values(a, b, zero_point, low, high),
                                (mve_pred16_t)stored);
  }
}

#endif
#endif
