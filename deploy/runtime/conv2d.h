// Convolution, with strides, dilation, padding on four sides and groups. Weights are
// (out_c, kernel_h, kernel_w, in_c / groups). The bias is the model's, with its zero point terms
// not folded in: padding contributes nothing, which a folded term could not know. Where there is
// no padding, a caller may fold them (bias - in_zero_point * sum of the channel's weights) and pass
// 0 as the input's zero point: the same bytes, a subtraction less.
#ifndef TUCO_RUNTIME_CONV2D_H
#define TUCO_RUNTIME_CONV2D_H

#include "dot.h"
#include "requantize.h"
#include "window.h"

// out (out_h, out_w, out_c) from in (in_h, in_w, in_c); bias has out_c values or is null. out
// overlaps nothing.
TUCO_KERNEL void tuco_conv2d(int8_t* TUCO_RESTRICT out, const int8_t* TUCO_RESTRICT in,
                             const int8_t* TUCO_RESTRICT weights, const int32_t* bias,
                             const tuco_window* g, int32_t in_zero_point,
                             const tuco_requantization* r) {
  const int32_t group_in = g->in_c / g->groups, group_out = g->out_c / g->groups;
  const int32_t blocked = group_out / 4 * 4;  // channels of a group done by fours
  const int32_t filter = g->kernel_h * g->kernel_w * group_in;
  // Neighbouring taps of a row lie side by side in input and weights alike, so that a row of the
  // window is one product, unless dilation or groups leave gaps.
  const int32_t dense = g->dilation_w == 1 && g->groups == 1;
  for (int32_t y = 0; y < g->out_h; y++) {
    const int32_t top = y * g->stride_h - g->pad_top;
    const int32_t ky0 = tuco_first_tap(top, g->dilation_h);
    const int32_t ky1 = tuco_end_tap(top, g->in_h, g->dilation_h, g->kernel_h);
    for (int32_t x = 0; x < g->out_w; x++) {
      const int32_t left = x * g->stride_w - g->pad_left;
      const int32_t kx0 = tuco_first_tap(left, g->dilation_w);
      const int32_t kx1 = tuco_end_tap(left, g->in_w, g->dilation_w, g->kernel_w);
      const int32_t step = dense ? tuco_max(kx1 - kx0, 1) : 1;  // taps to a product
      for (int32_t group = 0; group < g->groups; group++) {
        const int32_t begin = group * group_out, end = begin + group_out;
        for (int32_t c = begin; c < begin + blocked; c += 4) {
          int32_t sum[4] = {0, 0, 0, 0};
          for (int32_t ky = ky0; ky < ky1; ky++)
            for (int32_t kx = kx0; kx < kx1; kx += step) {
              const int32_t row = top + ky * g->dilation_h, column = left + kx * g->dilation_w;
              tuco_dot4(sum, in + (row * g->in_w + column) * g->in_c + group * group_in,
                        in_zero_point, weights + c * filter + (ky * g->kernel_w + kx) * group_in,
                        filter, step * group_in);
            }
          for (int32_t k = 0; k < 4; k++)
            *out++ = tuco_requantized(r, sum[k] + (bias ? bias[c + k] : 0), c + k);
        }
        for (int32_t c = begin + blocked; c < end; c++) {
          int32_t sum = bias ? bias[c] : 0;
          for (int32_t ky = ky0; ky < ky1; ky++)
            for (int32_t kx = kx0; kx < kx1; kx += step) {
              const int32_t row = top + ky * g->dilation_h, column = left + kx * g->dilation_w;
              sum = tuco_dot1(
                  sum, in + (row * g->in_w + column) * g->in_c + group * group_in, in_zero_point,
                  weights + c * filter + (ky * g->kernel_w + kx) * group_in, step * group_in);
            }
          *out++ = tuco_requantized(r, sum, c);
        }
      }
    }
  }
}

#endif
