// Columns for convolutions (columns.h) with 32-bit SIMD and in plain C: two at a time, widened to int16 and
// interleaved by twos.
#ifndef TUCO_RUNTIME_COLUMNS_WIDE_H
#define TUCO_RUNTIME_COLUMNS_WIDE_H

#include "helium.h"
#include "pairs.h"
#include "window.h"

#if !TUCO_HELIUM && (TUCO_SIMD32 || !TUCO_THUMB2)
enum { TUCO_COLUMNS = 2 };  // that are multiplied together

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

// Gathers the window whose first tap is at (top, left) into column `number`; the zero point stands
// for the padding. Where the number of channels is no multiple of 4 it goes through bytes behind
// the columns.
TUCO_INLINE void tuco_gather(int16_t* scratch, int32_t number, int32_t depth, const int8_t* in,
                             const tuco_window* g, int32_t top, int32_t left, int32_t zero_point) {
  int16_t* column = scratch + 2 * number;
  int8_t* const bytes = (int8_t*)(scratch + 2 * depth);
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

// Puts `count` pixels of `depth` inputs each into as many columns.
TUCO_INLINE void tuco_gather_pixels(int16_t* scratch, const int8_t* from, int32_t count,
                                    int32_t depth) {
  tuco_widen(scratch, from, depth);
  if (count == 2) tuco_widen(scratch + 2, from + depth, depth);
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

#endif
#endif
