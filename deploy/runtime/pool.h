// Max and average pooling; input and output share scale and zero point. Windows may reach into the
// padding (which also covers Caffe's rounding up of the output size), but each holds at least one
// cell of the image.
#ifndef TUCO_RUNTIME_POOL_H
#define TUCO_RUNTIME_POOL_H

#include "helium.h"
#include "window.h"

// out (out_h, out_w, in_c) from in (in_h, in_w, in_c), clamped to [low, high]; g->groups is not
// read. out overlaps nothing, or precedes the inputs that are still needed.
TUCO_KERNEL void tuco_max_pool(int8_t* out, const int8_t* in, const tuco_window* g, int32_t low,
                               int32_t high) {
  const int32_t in_c = g->in_c, step = in_c * g->dilation_w;
  const int32_t row = g->in_w * in_c * g->dilation_h;
  for (int32_t y = 0; y < g->out_h; y++) {
    const int32_t top = y * g->stride_h - g->pad_top;
    const int32_t ky0 = tuco_first_tap(top, g->dilation_h);
    const int32_t ky1 = tuco_end_tap(top, g->in_h, g->dilation_h, g->kernel_h);
    for (int32_t x = 0; x < g->out_w; x++) {
      const int32_t left = x * g->stride_w - g->pad_left;
      const int32_t kx0 = tuco_first_tap(left, g->dilation_w);
      const int32_t kx1 = tuco_end_tap(left, g->in_w, g->dilation_w, g->kernel_w);
      const int32_t corner = (top * g->in_w + left) * in_c;  // may lie in the padding
#if TUCO_HELIUM
      for (int32_t c = 0; c < in_c; c += 16) {
        const mve_pred16_t there = vctp8q((uint32_t)(in_c - c));
        int8x16_t best = vdupq_n_s8((int8_t)low);
        for (int32_t ky = ky0; ky < ky1; ky++)
          for (int32_t kx = kx0; kx < kx1; kx++)
            best = vmaxq_s8(best, vldrbq_z_s8(in + (corner + ky * row + kx * step + c), there));
        vstrbq_p_s8(out + c, vminq_s8(best, vdupq_n_s8((int8_t)high)), there);
      }
      out += in_c;
#else
      for (int32_t c = 0; c < in_c; c++) {
        int32_t best = low;
        for (int32_t ky = ky0; ky < ky1; ky++)
          for (int32_t kx = kx0; kx < kx1; kx++)
            best = tuco_max(best, in[corner + ky * row + kx * step + c]);
        *out++ = (int8_t)tuco_min(best, high);
      }
#endif
    }
  }
}

// sum / count to nearest, ties away from zero, for count > 0.
TUCO_INLINE int32_t tuco_rounded_quotient(int32_t sum, int32_t count) {
  return (sum > 0 ? sum + count / 2 : sum - count / 2) / count;
}

// As tuco_max_pool, with the mean of each window. TFLite counts a window's cells in the image
// alone; with count_padding = 1 those in the padding count as well, with the real value 0, that is
// zero_point (PyTorch's count_include_pad, Caffe's average pooling); a window's part beyond the
// padding never counts.
TUCO_KERNEL void tuco_average_pool(int8_t* out, const int8_t* in, const tuco_window* g,
                                   int32_t low, int32_t high, int32_t count_padding,
                                   int32_t zero_point) {
  const int32_t in_c = g->in_c, step = in_c * g->dilation_w;
  const int32_t row = g->in_w * in_c * g->dilation_h;
  for (int32_t y = 0; y < g->out_h; y++) {
    const int32_t top = y * g->stride_h - g->pad_top;
    const int32_t ky0 = tuco_first_tap(top, g->dilation_h);
    const int32_t ky1 = tuco_end_tap(top, g->in_h, g->dilation_h, g->kernel_h);
    const int32_t padded_h = tuco_end_tap(top, g->in_h + g->pad_bottom, g->dilation_h, g->kernel_h);
    for (int32_t x = 0; x < g->out_w; x++) {
      const int32_t left = x * g->stride_w - g->pad_left;
      const int32_t kx0 = tuco_first_tap(left, g->dilation_w);
      const int32_t kx1 = tuco_end_tap(left, g->in_w, g->dilation_w, g->kernel_w);
      const int32_t padded_w =
          tuco_end_tap(left, g->in_w + g->pad_right, g->dilation_w, g->kernel_w);
      const int32_t corner = (top * g->in_w + left) * in_c;  // may lie in the padding
      const int32_t cells = (ky1 - ky0) * (kx1 - kx0);
      const int32_t count = count_padding ? padded_h * padded_w : cells;
#if TUCO_HELIUM
      for (int32_t c = 0; c < in_c; c += 4) {
        const mve_pred16_t there = vctp32q((uint32_t)(in_c - c));
        int32x4_t sum = vdupq_n_s32(count_padding ? (count - cells) * zero_point : 0);
        for (int32_t ky = ky0; ky < ky1; ky++) {
          const int8_t* cell = in + (corner + ky * row + kx0 * step + c);
          for (int32_t kx = kx0; kx < kx1; kx++, cell += step)
            sum = vaddq_s32(sum, vldrbq_z_s32(cell, there));
        }
        int32_t sums[4];
        vstrwq_s32(sums, sum);
        for (int32_t i = 0; i < 4 && i < in_c - c; i++)
          *out++ = (int8_t)tuco_clamped(tuco_rounded_quotient(sums[i], count), low, high);
      }
#else
      for (int32_t c = 0; c < in_c; c++) {
        int32_t sum = count_padding ? (count - cells) * zero_point : 0;
        for (int32_t ky = ky0; ky < ky1; ky++)
          for (int32_t kx = kx0; kx < kx1; kx++) sum += in[corner + ky * row + kx * step + c];
        *out++ = (int8_t)tuco_clamped(tuco_rounded_quotient(sum, count), low, high);
      }
#endif
    }
  }
}

// The window that covers an image of one column.
TUCO_INLINE tuco_window tuco_column_window(int32_t cells, int32_t channels) {
  const tuco_window g = {(int16_t)cells,
                         1,
                         (int16_t)channels,
                         1,
                         1,
                         (int16_t)channels,
                         (int16_t)cells,
                         1,
                         1,
                         1,
                         1,
                         1,
                         0,
                         0,
                         0,
                         0,
                         1};
  return g;
}

// out (channels) = the largest value of each channel of in (cells, channels).
TUCO_KERNEL void tuco_global_max_pool(int8_t* TUCO_RESTRICT out, const int8_t* TUCO_RESTRICT in,
                                      int32_t cells, int32_t channels, int32_t low, int32_t high) {
  const tuco_window g = tuco_column_window(cells, channels);
  tuco_max_pool(out, in, &g, low, high);
}

// out (channels) = the mean of each channel of in (cells, channels), in the input's scale; mean.h
// has the one that rescales.
TUCO_KERNEL void tuco_global_average_pool(int8_t* TUCO_RESTRICT out, const int8_t* TUCO_RESTRICT in,
                                          int32_t cells, int32_t channels, int32_t low,
                                          int32_t high) {
  const tuco_window g = tuco_column_window(cells, channels);
  tuco_average_pool(out, in, &g, low, high, 0, 0);
}

#endif
