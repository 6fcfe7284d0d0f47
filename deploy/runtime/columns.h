// Convolution by columns: the inputs under a window are gathered, widened to int16, two windows at
// a time, and multiplied with the weights of pairs of channels (pairs.h). An output pixel is
// written after the inputs under it have been read, so the output may lie over the input as far as
// the order of pixels allows.
#ifndef TUCO_RUNTIME_COLUMNS_H
#define TUCO_RUNTIME_COLUMNS_H

#include "finish.h"
#include "memory.h"
#include "pairs.h"
#include "window.h"

// Puts n inputs (a multiple of 4) into one of two interleaved columns.
TUCO_INLINE int16_t* tuco_widen(int16_t* to, const int8_t* from, int32_t n) {
#if TUCO_SIMD32
  uint32_t* words = (uint32_t*)to;
  const int8_t* const end = from + n;
  for (; from < end - 4; from += 8, words += 8) {
    const uint32_t a = tuco_load_word(from), b = tuco_load_word(from + 4);
    words[0] = tuco_even_bytes(0, a);
    words[2] = tuco_odd_bytes(0, a);
    words[4] = tuco_even_bytes(0, b);
    words[6] = tuco_odd_bytes(0, b);
  }
  if (from < end) {
    const uint32_t a = tuco_load_word(from);
    words[0] = tuco_even_bytes(0, a);
    words[2] = tuco_odd_bytes(0, a);
  }
#else
  for (int32_t i = 0; i < n; i += 4) {
    to[2 * i] = from[i];
    to[2 * i + 1] = from[i + 2];
    to[2 * i + 4] = from[i + 1];
    to[2 * i + 5] = from[i + 3];
  }
#endif
  return to + 2 * n;
}

// Puts n times the same value there.
TUCO_INLINE int16_t* tuco_widen_value(int16_t* to, int32_t value, int32_t n) {
  for (int32_t i = 0; i < n; i += 2, to += 4) to[0] = to[1] = (int16_t)value;
  return to;
}

// Copies a few bytes.
TUCO_INLINE int8_t* tuco_append(int8_t* to, const int8_t* from, int32_t n) {
#if TUCO_SIMD32
  for (; n >= 4; n -= 4, to += 4, from += 4) ((tuco_word*)to)->value = tuco_load_word(from);
#endif
  for (; n > 0; n--) *to++ = *from++;
  return to;
}

// Gathers the window whose first tap is at (top, left) into a column; the zero point stands for the
// padding. Where the number of channels is no multiple of 4 it goes through `bytes`.
TUCO_INLINE void tuco_gather(int16_t* column, int8_t* bytes, const int8_t* in, const tuco_window* g,
                             int32_t top, int32_t left, int32_t zero_point) {
  const int32_t direct = g->in_c % 4 == 0;
  const int32_t kx0 = tuco_min(tuco_first_tap(left, g->dilation_w), g->kernel_w);
  const int32_t kx1 = tuco_max(tuco_end_tap(left, g->in_w, g->dilation_w, g->kernel_w), kx0);
  const int32_t step = g->dilation_w == 1 ? tuco_max(kx1 - kx0, 1) : 1;  // taps side by side
  int8_t* to = bytes;
  for (int32_t ky = 0; ky < g->kernel_h; ky++, top += g->dilation_h) {
    const int32_t inside = top >= 0 && top < g->in_h;
    const int32_t before = inside ? kx0 : g->kernel_w, after = inside ? g->kernel_w - kx1 : 0;
    if (direct)
      column = tuco_widen_value(column, zero_point, before * g->in_c);
    else
      for (int32_t i = before * g->in_c; i > 0; i--) *to++ = (int8_t)zero_point;
    if (inside)
      for (int32_t kx = kx0; kx < kx1; kx += step) {
        const int8_t* from = in + (top * g->in_w + left + kx * g->dilation_w) * g->in_c;
        if (direct)
          column = tuco_widen(column, from, step * g->in_c);
        else
          to = tuco_append(to, from, step * g->in_c);
      }
    if (direct)
      column = tuco_widen_value(column, zero_point, after * g->in_c);
    else
      for (int32_t i = after * g->in_c; i > 0; i--) *to++ = (int8_t)zero_point;
  }
  if (!direct) {
    int32_t size = (int32_t)(to - bytes);
    for (; size % 4 != 0; size++) *to++ = 0;
    tuco_widen(column, bytes, size);
  }
}

// The outputs of `count` columns, 1 or 2, of `depth` inputs: out (count, out_c).
TUCO_INLINE void tuco_multiply_columns(int8_t* out, const int16_t* columns, int32_t count,
                                       const int16_t* weights, int32_t depth, int32_t out_c,
                                       const int32_t* channel, int32_t zero_point, int32_t low,
                                       int32_t high) {
  // A lone column is written over what its missing neighbour gave.
  int8_t* second = count == 2 ? out + out_c : out;
  for (int32_t left = out_c; left > 0; left -= 2, weights += depth) {
    tuco_pair_sum sum[2];
    tuco_dot_two_columns(sum, weights, columns, depth);
    int32_t twice = tuco_twice_bias(channel[0]), right = tuco_right_shift(channel[0]);
    int32_t multiplier = channel[1];
    channel += 2;
    int32_t a = tuco_finished(twice + tuco_twice_first(sum[0]), multiplier, right, zero_point);
    int32_t b = tuco_finished(twice + tuco_twice_first(sum[1]), multiplier, right, zero_point);
    *second++ = tuco_bounded(b, low, high);
    *out++ = tuco_bounded(a, low, high);
    if (left == 1) break;
    twice = tuco_twice_bias(channel[0]), right = tuco_right_shift(channel[0]);
    multiplier = channel[1];
    channel += 2;
    a = tuco_finished(twice + tuco_twice_second(sum[0]), multiplier, right, zero_point);
    b = tuco_finished(twice + tuco_twice_second(sum[1]), multiplier, right, zero_point);
    *second++ = tuco_bounded(b, low, high);
    *out++ = tuco_bounded(a, low, high);
  }
}

// The depth of a column, filled up to a multiple of 4.
TUCO_INLINE int32_t tuco_column_depth(int32_t inputs) { return (inputs + 3) & ~3; }

// out (out_h, out_w, out_c) from in (in_h, in_w, in_c). weights: pairs of channels, each with the
// window's depth (kernel_h, kernel_w, in_c) as in pairs.h; channels as in finish.h. scratch holds 4
// bytes for each input of a column, and a fifth where in_c is no multiple of 4; it and in are
// aligned to words.
TUCO_KERNEL void tuco_conv2d_columns(int8_t* out, const int8_t* in, int16_t* scratch,
                                     const int16_t* weights, const tuco_window* g,
                                     int32_t in_zero_point, const int32_t* channels,
                                     int32_t zero_point, int32_t low, int32_t high) {
  const int32_t depth = tuco_column_depth(g->kernel_h * g->kernel_w * g->in_c);
  int8_t* const bytes = (int8_t*)(scratch + 2 * depth);
  int32_t count = 0, top = -g->pad_top;
  for (int32_t y = 0; y < g->out_h; y++, top += g->stride_h) {
    int32_t left = -g->pad_left;
    for (int32_t x = 0; x < g->out_w; x++, left += g->stride_w) {
      tuco_gather(scratch + 2 * count, bytes, in, g, top, left, in_zero_point);
      if (++count < 2 && (x + 1 < g->out_w || y + 1 < g->out_h)) continue;
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
    count = descending ? 2 - (left & 1) : tuco_min(left, 2);
    const int32_t first = descending ? left - count : pixels - left;
    const int8_t* from = in + first * in_c;
    tuco_widen(scratch, from, in_c);
    if (count == 2) tuco_widen(scratch + 2, from + in_c, in_c);
    tuco_multiply_columns(out + first * out_c, scratch, count, weights, in_c, out_c, channels,
                          zero_point, low, high);
  }
}

#endif
