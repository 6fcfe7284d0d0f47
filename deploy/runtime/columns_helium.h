// Columns for convolutions (columns.h) with Helium: four at a time, as bytes, one behind the other.
#ifndef TUCO_RUNTIME_COLUMNS_HELIUM_H
#define TUCO_RUNTIME_COLUMNS_HELIUM_H

#include "helium.h"
#include "pairs.h"
#include "window.h"

#if TUCO_HELIUM
enum { TUCO_COLUMNS = 4 };  // that are multiplied together

// Copies rows of n bytes, which lie `row` apart, one behind the other.
TUCO_INLINE void tuco_copy_rows(int8_t* to, const int8_t* from, int32_t rows, int32_t n,
                                int32_t row) {
  const int8_t* x;
  int8_t* y;
  __asm__ volatile(
      "1:\n\t"
      "mov %[x], %[from]\n\t"
      "mov %[y], %[to]\n\t"
      "wlstp.8 lr, %[n], 3f\n"
      "2:\n\t"
      "vldrb.8 q0, [%[x]], #16\n\t"
      "vstrb.8 q0, [%[y]], #16\n\t"
      "letp lr, 2b\n"
      "3:\n\t"
      "add %[from], %[from], %[row]\n\t"
      "add %[to], %[to], %[n]\n\t"
      "subs %[rows], %[rows], #1\n\t"
      "bne 1b"
      : [to] "+&r"(to), [from] "+&r"(from), [rows] "+&r"(rows), [x] "=&r"(x), [y] "=&r"(y)
      : [n] "r"(n), [row] "r"(row)
      : "q0", "lr", "cc", "memory");
}

// Gathers the window whose first tap is at (top, left) into column `number`; the zero point stands
// for the padding.
TUCO_INLINE void tuco_gather(int16_t* scratch, int32_t number, int32_t depth, const int8_t* in,
                             const tuco_window* g, int32_t top, int32_t left, int32_t zero_point) {
  const int32_t in_c = g->in_c, in_h = g->in_h, in_w = g->in_w, row = in_w * in_c;
  const int32_t kernel_h = g->kernel_h, kernel_w = g->kernel_w, dilation = g->dilation_w;
  int8_t* to = (int8_t*)scratch + number * depth;
  if (dilation == 1 && top >= 0 && left >= 0 && left + kernel_w <= in_w &&
      top + (kernel_h - 1) * g->dilation_h < in_h) {
    tuco_copy_rows(to, in + top * row + left * in_c, kernel_h, kernel_w * in_c,
                   row * g->dilation_h);
    return;
  }
  const int32_t kx0 = tuco_min(tuco_first_tap(left, dilation), kernel_w);
  const int32_t kx1 = tuco_max(tuco_end_tap(left, in_w, dilation, kernel_w), kx0);
  const int32_t step = dilation == 1 ? tuco_max(kx1 - kx0, 1) : 1;  // taps side by side
  for (int32_t ky = kernel_h; ky > 0; ky--, top += g->dilation_h) {
    if (top < 0 || top >= in_h) {
      to = tuco_fill_vectors(to, zero_point, kernel_w * in_c);
      continue;
    }
    to = tuco_fill_vectors(to, zero_point, kx0 * in_c);
    const int8_t* from = in + top * row + (left + kx0 * dilation) * in_c;
    for (int32_t kx = kx0; kx < kx1; kx += step, from += dilation * in_c)
      to = tuco_copy_vectors(to, from, step * in_c);
    to = tuco_fill_vectors(to, zero_point, (kernel_w - kx1) * in_c);
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
  // The first 4 to 16 inputs set the accumulators, and blocks of 16 follow. What is read of the
  // next columns meets weights of zero; behind the last one nothing is read.
#define TUCO_HEAD(x, q, first, second) \
  "add " x ", " x                      \
  ", r2\n\t"                           \
  "vmladav.s8 " first ", q0, " q       \
  "\n\t"                               \
  "vmladav.s8 " second ", q2, " q "\n\t"
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
      "vldrb.u8 q3, [r3]\n\t"  //
      TUCO_HEAD("r3", "q3", "r0", "r8")
      "vpstt\n\t"
      "vldrbt.u8 q3, [r7]\n\t"
      "vldrbt.u8 q1, [r9]\n\t"  //
      TUCO_HEAD("r7", "q3", "r4", "r12")
      TUCO_HEAD("r9", "q1", "r6", "lr")
      "vpst\n\t"
      "vldrbt.u8 q3, [r5]\n\t"  //
      TUCO_HEAD("r5", "q3", "r2", "r10")
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
                                tuco_predicate(stored));
  }
}

#endif
#endif
