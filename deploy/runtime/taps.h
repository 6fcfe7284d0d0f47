// Depthwise convolution tap by tap, for any window: each input channel has one filter, and
// neighbouring channels are done together.
#ifndef TUCO_RUNTIME_TAPS_H
#define TUCO_RUNTIME_TAPS_H

#include "finish.h"
#include "simd32.h"
#include "window.h"

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
    }
  }
}

#endif
