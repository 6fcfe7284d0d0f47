// Depthwise convolution: each input channel has `multiplier` = out_c / in_c filters of its own, and
// output channel c reads input channel c / multiplier. Weights are (kernel_h, kernel_w, out_c), as
// in TFLite. The bias is as in conv2d.h: not folded.
#ifndef TUCO_RUNTIME_DEPTHWISE_H
#define TUCO_RUNTIME_DEPTHWISE_H

#include "requantize.h"
#include "window.h"

// out (out_h, out_w, out_c) from in (in_h, in_w, in_c); bias has out_c values or is null;
// g->groups is not read. out overlaps nothing.
TUCO_KERNEL void tuco_depthwise(int8_t* TUCO_RESTRICT out, const int8_t* TUCO_RESTRICT in,
                                const int8_t* TUCO_RESTRICT weights, const int32_t* bias,
                                const tuco_window* g, int32_t in_zero_point,
                                const tuco_requantization* r) {
  const int32_t multiplier = g->out_c / g->in_c;
  const int32_t blocked = multiplier == 1 ? g->in_c / 4 * 4 : 0;  // channels done by fours
  const int32_t in_row = g->in_w * g->in_c * g->dilation_h, in_step = g->in_c * g->dilation_w;
  for (int32_t y = 0; y < g->out_h; y++) {
    const int32_t top = y * g->stride_h - g->pad_top;
    const int32_t ky0 = tuco_first_tap(top, g->dilation_h);
    const int32_t ky1 = tuco_end_tap(top, g->in_h, g->dilation_h, g->kernel_h);
    for (int32_t x = 0; x < g->out_w; x++) {
      const int32_t left = x * g->stride_w - g->pad_left;
      const int32_t kx0 = tuco_first_tap(left, g->dilation_w);
      const int32_t kx1 = tuco_end_tap(left, g->in_w, g->dilation_w, g->kernel_w);
      const int32_t corner = (top * g->in_w + left) * g->in_c;  // may lie in the padding
      for (int32_t c = 0; c < blocked; c += 4) {
        int32_t s0 = 0, s1 = 0, s2 = 0, s3 = 0;
        for (int32_t ky = ky0; ky < ky1; ky++) {
          int32_t a = corner + ky * in_row + kx0 * in_step + c;
          int32_t w = (ky * g->kernel_w + kx0) * g->out_c + c;
          for (int32_t kx = kx0; kx < kx1; kx++, a += in_step, w += g->out_c) {
            s0 += weights[w] * (in[a] - in_zero_point);
            s1 += weights[w + 1] * (in[a + 1] - in_zero_point);
            s2 += weights[w + 2] * (in[a + 2] - in_zero_point);
            s3 += weights[w + 3] * (in[a + 3] - in_zero_point);
          }
        }
        *out++ = tuco_requantized(r, s0 + (bias ? bias[c] : 0), c);
        *out++ = tuco_requantized(r, s1 + (bias ? bias[c + 1] : 0), c + 1);
        *out++ = tuco_requantized(r, s2 + (bias ? bias[c + 2] : 0), c + 2);
        *out++ = tuco_requantized(r, s3 + (bias ? bias[c + 3] : 0), c + 3);
      }
      for (int32_t c = blocked; c < g->out_c; c++) {
        int32_t sum = bias ? bias[c] : 0;
        for (int32_t ky = ky0; ky < ky1; ky++)
          for (int32_t kx = kx0; kx < kx1; kx++)
            sum += weights[(ky * g->kernel_w + kx) * g->out_c + c] *
                   (in[corner + ky * in_row + kx * in_step + c / multiplier] - in_zero_point);
        *out++ = tuco_requantized(r, sum, c);
      }
    }
  }
}

#endif
