// Convolution by columns: the inputs under a window are gathered, several windows at a time, and
// multiplied with the weights of pairs of channels (pairs.h). Output pixels are written after the
// inputs under all of them have been read, so the output may lie over the input as far as the order
// of pixels allows.
#ifndef TUCO_RUNTIME_COLUMNS_H
#define TUCO_RUNTIME_COLUMNS_H

#include "columns_helium.h"
#include "columns_thumb2.h"
#include "columns_wide.h"

// The depth of a column, filled up to a multiple of 4.
TUCO_INLINE int32_t tuco_column_depth(int32_t inputs) { return (inputs + 3) & ~3; }

// out (out_h, out_w, out_c) from in (in_h, in_w, in_c). weights: pairs of channels, each with the
// window's depth (kernel_h, kernel_w, in_c) as in pairs.h; channels as in finish.h. scratch holds 4
// bytes for each input of a column, and a fifth where in_c is no multiple of 4; it and in are
// aligned to words. out_c is at most 16384, so that vectors of addresses reach four pixels.
TUCO_KERNEL void tuco_conv2d_columns(int8_t* out, const int8_t* in, int16_t* scratch,
                                     const int16_t* weights, const tuco_window* g,
                                     int32_t in_zero_point, const int32_t* channels,
                                     int32_t zero_point, int32_t low, int32_t high) {
  const int32_t depth = tuco_column_depth(g->kernel_h * g->kernel_w * g->in_c);
  int32_t count = 0, top = -g->pad_top;
  for (int32_t y = 0; y < g->out_h; y++, top += g->stride_h) {
    int32_t left = -g->pad_left;
    for (int32_t x = 0; x < g->out_w; x++, left += g->stride_w) {
      tuco_gather(scratch, count, depth, in, g, top, left, in_zero_point);
      if (++count < TUCO_COLUMNS && (x + 1 < g->out_w || y + 1 < g->out_h)) continue;
      tuco_multiply_columns(out, scratch, count, weights, depth, g->out_c, channels, zero_point,
                            low, high);
      out += count * g->out_c;
      count = 0;
    }
  }
}

// A 1x1 convolution without padding, or a fully connected layer on several rows: out (pixels,
// out_c) from in (pixels, in_c). Weights, channels and scratch as above, with in_c a multiple of 4.
// With `descending` 1 the last pixel comes first, and the output may begin where the input does if
// it is larger.
TUCO_KERNEL void tuco_pointwise_columns(int8_t* out, const int8_t* in, int16_t* scratch,
                                        const int16_t* weights, int32_t pixels, int32_t in_c,
                                        int32_t out_c, int32_t descending, const int32_t* channels,
                                        int32_t zero_point, int32_t low, int32_t high) {
  for (int32_t left = pixels, count; left > 0; left -= count) {
    count = descending ? TUCO_COLUMNS - (-left & (TUCO_COLUMNS - 1)) : tuco_min(left, TUCO_COLUMNS);
    const int32_t first = descending ? left - count : pixels - left;
    const int8_t* from = in + first * in_c;
    tuco_gather_pixels(scratch, from, count, in_c);
    tuco_multiply_columns(out + first * out_c, scratch, count, weights, in_c, out_c, channels,
                          zero_point, low, high);
  }
}

#endif
