// Depthwise convolution tap by tap, for any window: each input channel has one filter, and
// neighbouring channels are done together.
#ifndef TUCO_RUNTIME_TAPS_H
#define TUCO_RUNTIME_TAPS_H

#include "finish.h"
#include "simd32.h"
#include "window.h"

// Adds the products of four channels: sum[i] += w[i] * (x[i] - zero_point).
TUCO_INLINE void tuco_add_four(int32_t sum[4], const int8_t* w, const int8_t* x,
                               int32_t zero_point) {
#if TUCO_SIMD32
  const uint32_t less = (uint16_t)-zero_point * 0x10001u;
  const uint32_t ws = tuco_load_word(w), xs = tuco_load_word(x);
  const uint32_t w02 = tuco_even_bytes(0, ws), w13 = tuco_odd_bytes(0, ws);
  const uint32_t x02 = tuco_even_bytes(less, xs), x13 = tuco_odd_bytes(less, xs);
  sum[0] = tuco_add_low_product(sum[0], w02, x02);
  sum[1] = tuco_add_low_product(sum[1], w13, x13);
  sum[2] = tuco_add_high_product(sum[2], w02, x02);
  sum[3] = tuco_add_high_product(sum[3], w13, x13);
#else
  for (int32_t i = 0; i < 4; i++) sum[i] += w[i] * (x[i] - zero_point);
#endif
}

// out (out_h, out_w, in_c) from in (in_h, in_w, in_c); weights (kernel_h, kernel_w, in_c). The
// zero point is not folded into the bias, since taps in the padding are left out. out overlaps
// nothing, or precedes the inputs that are still needed.
TUCO_KERNEL void tuco_depthwise_taps(int8_t* out, const int8_t* in, const int8_t* weights,
                                     const tuco_window* g, int32_t in_zero_point,
                                     const tuco_finish* f, int32_t low, int32_t high) {
  const int32_t channels = g->in_c, blocked = channels & ~3;
  const int32_t in_row = g->in_w * channels * g->dilation_h, in_step = channels * g->dilation_w;
  for (int32_t y = 0; y < g->out_h; y++) {
    const int32_t top = y * g->stride_h - g->pad_top;
    const int32_t ky0 = tuco_first_tap(top, g->dilation_h);
    const int32_t ky1 = tuco_end_tap(top, g->in_h, g->dilation_h, g->kernel_h);
    for (int32_t x = 0; x < g->out_w; x++) {
      const int32_t left = x * g->stride_w - g->pad_left;
      const int32_t kx0 = tuco_first_tap(left, g->dilation_w);
      const int32_t kx1 = tuco_end_tap(left, g->in_w, g->dilation_w, g->kernel_w);
      const int32_t corner = (top * g->in_w + left) * channels + ky0 * in_row + kx0 * in_step;
      const int8_t* first = weights + (ky0 * g->kernel_w + kx0) * channels;
      const int32_t* multiplier = f->multiplier;
      for (int32_t c = 0; c < channels;) {
        int32_t sum[4] = {0, 0, 0, 0};
        const int32_t together = c < blocked ? 4 : 1;
        const int8_t* a = in + corner + c;
        const int8_t* w = first + c;
        for (int32_t ky = ky0; ky < ky1; ky++) {
          const int8_t* tap = a;
          const int8_t* weight = w;
          for (int32_t kx = kx0; kx < kx1; kx++, tap += in_step, weight += channels) {
            if (together == 4)
              tuco_add_four(sum, weight, tap, in_zero_point);
            else
              sum[0] += *weight * (*tap - in_zero_point);
          }
          a += in_row;
          w += g->kernel_w * channels;
        }
        for (int32_t i = 0; i < together; i++, c++) {
          const int32_t word = f->bias[c];
          const int32_t value = tuco_finished(tuco_twice_bias(word) + 2 * sum[i], *multiplier,
                                              tuco_right_shift(word), f->zero_point);
          *out++ = (int8_t)tuco_clamped(value, low, high);
          multiplier += f->multiplier_step;
        }
      }
    }
  }
}

#endif
