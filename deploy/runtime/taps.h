// Depthwise convolution tap by tap, for any window: each input channel has one filter, and
// neighbouring channels are done together.
#ifndef TUCO_RUNTIME_TAPS_H
#define TUCO_RUNTIME_TAPS_H

#include "helium.h"
#include "window.h"

#if TUCO_HELIUM

// The sums of eight neighbouring channels, those of even number and those of odd, under a row of nx
// taps are added to `even` and `odd`: w * (x + less), in the lanes of 16 bits that `lanes` has.
TUCO_INLINE void tuco_add_row_of_taps(int32x4_t* even, int32x4_t* odd, const int8_t* w,
                                      const int8_t* x, int32_t less, int32_t nx, int32_t x_step,
                                      int32_t w_step, uint32_t lanes) {
  uint32_t predicate;  // compilers cannot be told that it changes
  // Loads that widen take their address from a low register.
  __asm__ volatile(
      "vmrs %[predicate], p0\n\t"
      "vmsr p0, %[lanes]\n\t"
      "wls lr, %[nx], 2f\n"
      "1:\n\t"
      "vpstt\n\t"
      "vldrbt.s16 q0, [%[x]]\n\t"
      "vldrbt.s16 q1, [%[w]]\n\t"
      "vadd.i16 q0, q0, %[less]\n\t"
      "add %[x], %[x], %[x_step]\n\t"
      "vmullb.s16 q2, q0, q1\n\t"
      "add %[w], %[w], %[w_step]\n\t"
      "vmullt.s16 q0, q0, q1\n\t"
      "vadd.i32 %q[even], %q[even], q2\n\t"
      "vadd.i32 %q[odd], %q[odd], q0\n\t"
      "le lr, 1b\n"
      "2:\n\t"
      "vmsr p0, %[predicate]"
      : [predicate] "=&r"(predicate), [even] "+&w"(*even), [odd] "+&w"(*odd), [w] "+&l"(w),
        [x] "+&l"(x)
      :
      [less] "r"(less), [nx] "r"(nx), [x_step] "r"(x_step), [w_step] "r"(w_step), [lanes] "r"(lanes)
      : "q0", "q1", "q2", "lr", "memory");
}

#endif

// The sums of four neighbouring channels under a window of ny x nx taps: w * (x - zero_point). Taps
// lie x_row and x_step apart in the image, w_row and w_step in the weights.
TUCO_INLINE void tuco_dot_four_taps(int32_t sum[4], const int8_t* w, const int8_t* x,
                                    int32_t zero_point, int32_t ny, int32_t nx, int32_t x_row,
                                    int32_t x_step, int32_t w_row, int32_t w_step) {
  int32_t s0 = 0, s1 = 0, s2 = 0, s3 = 0;
#if TUCO_SIMD32
  const uint32_t less = ((uint32_t)-zero_point & 0xffff) * 0x10001u;
#endif
  for (; ny > 0; ny--, x += x_row, w += w_row) {
    const int8_t* from = x;
    const int8_t* weight = w;
    for (int32_t k = nx; k > 0; k--, from += x_step, weight += w_step) {
#if TUCO_SIMD32
      const uint32_t ws = tuco_load_word(weight), xs = tuco_load_word(from);
      const uint32_t w02 = tuco_even_bytes(0, ws), w13 = tuco_odd_bytes(0, ws);
      const uint32_t x02 = tuco_even_bytes(less, xs), x13 = tuco_odd_bytes(less, xs);
      s0 = tuco_add_low_product(s0, w02, x02);
      s1 = tuco_add_low_product(s1, w13, x13);
      s2 = tuco_add_high_product(s2, w02, x02);
      s3 = tuco_add_high_product(s3, w13, x13);
#else
      s0 += weight[0] * (from[0] - zero_point);
      s1 += weight[1] * (from[1] - zero_point);
      s2 += weight[2] * (from[2] - zero_point);
      s3 += weight[3] * (from[3] - zero_point);
#endif
    }
  }
  sum[0] = s0;
  sum[1] = s1;
  sum[2] = s2;
  sum[3] = s3;
}

// The sum of one channel.
TUCO_INLINE int32_t tuco_dot_taps(const int8_t* w, const int8_t* x, int32_t zero_point, int32_t ny,
                                  int32_t nx, int32_t x_row, int32_t x_step, int32_t w_row,
                                  int32_t w_step) {
  int32_t sum = 0;
  for (int32_t i = 0; i < ny; i++)
    for (int32_t k = 0; k < nx; k++)
      sum += w[i * w_row + k * w_step] * (x[i * x_row + k * x_step] - zero_point);
  return sum;
}

// out (out_h, out_w, in_c) from in (in_h, in_w, in_c); weights (kernel_h, kernel_w, in_c); channels
// as in finish.h, but the zero point is not folded into the bias, since taps in the padding are
// left out. out overlaps nothing, or precedes the inputs that are still needed.
TUCO_KERNEL void tuco_depthwise_taps(int8_t* out, const int8_t* in, const int8_t* weights,
                                     const tuco_window* g, int32_t in_zero_point,
                                     const int32_t* channels, int32_t zero_point, int32_t low,
                                     int32_t high) {
  const int32_t in_c = g->in_c, w_row = g->kernel_w * in_c;
  const int32_t x_row = g->in_w * in_c * g->dilation_h, x_step = in_c * g->dilation_w;
  for (int32_t y = 0; y < g->out_h; y++) {
    const int32_t top = y * g->stride_h - g->pad_top;
    const int32_t ky = tuco_first_tap(top, g->dilation_h);
    const int32_t ny = tuco_end_tap(top, g->in_h, g->dilation_h, g->kernel_h) - ky;
    for (int32_t x = 0; x < g->out_w; x++) {
      const int32_t left = x * g->stride_w - g->pad_left;
      const int32_t kx = tuco_first_tap(left, g->dilation_w);
      const int32_t nx = tuco_end_tap(left, g->in_w, g->dilation_w, g->kernel_w) - kx;
      const int8_t* a = in + ((top * g->in_w + left) * in_c + ky * x_row + kx * x_step);
      const int8_t* w = weights + ky * w_row + kx * in_c;
#if TUCO_HELIUM
      const uint32x4_t at = vshlq_n_u32(vidupq_n_u32(0, 8), 1);  // every second channel's words
      for (int32_t c = 0; c < in_c; c += 8) {
        const uint32_t left_over = (uint32_t)(in_c - c);
        const uint32_t lanes = left_over >= 8 ? 0xffff : (1u << 2 * left_over) - 1;
        int32x4_t even = vdupq_n_s32(0), odd = even;
        for (int32_t i = 0; i < ny; i++)
          tuco_add_row_of_taps(&even, &odd, w + c + i * w_row, a + c + i * x_row, -in_zero_point,
                               nx, x_step, in_c, lanes);
        const mve_pred16_t evens = vctp32q((left_over + 1) >> 1), odds = vctp32q(left_over >> 1);
        const int32_t* const channel = channels + 2 * c;
        const int32x4_t even_words = vldrwq_gather_offset_z_s32(channel, at, evens);
        const int32x4_t odd_words = vldrwq_gather_offset_z_s32(channel + 2, at, odds);
        even = tuco_finished_channels(vaddq_s32(even, tuco_biases(even_words)),
                                      vldrwq_gather_offset_z_s32(channel + 1, at, evens),
                                      tuco_left_shifts(even_words));
        odd = tuco_finished_channels(vaddq_s32(odd, tuco_biases(odd_words)),
                                     vldrwq_gather_offset_z_s32(channel + 3, at, odds),
                                     tuco_left_shifts(odd_words));
        vstrbq_p_s16(out + c, tuco_bounded_values(even, odd, zero_point, low, high),
                     tuco_predicate(lanes));
      }
      out += in_c;
#else
      const int32_t* channel = channels;
      int32_t c = in_c;
      for (; c >= 4; c -= 4, a += 4, w += 4) {
        int32_t sum[4];
        tuco_dot_four_taps(sum, w, a, in_zero_point, ny, nx, x_row, x_step, w_row, in_c);
        for (int32_t i = 0; i < 4; i++, channel += 2)
          *out++ = tuco_channel_output(channel, sum[i], zero_point, low, high);
      }
      for (; c > 0; c--, a++, w++, channel += 2) {
        const int32_t sum = tuco_dot_taps(w, a, in_zero_point, ny, nx, x_row, x_step, w_row, in_c);
        *out++ = tuco_channel_output(channel, sum, zero_point, low, high);
      }
#endif
    }
  }
}

#endif
