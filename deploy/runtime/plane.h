// Depthwise convolution with a 3x3 window and stride 1, a channel at a time: the channel's plane is
// copied with its padding, widened to int16, so that neighbours lie side by side and the output
// may take the input's place.
#ifndef TUCO_RUNTIME_PLANE_H
#define TUCO_RUNTIME_PLANE_H

#include "finish.h"
#include "simd32.h"

// The width of a plane's row: even, and room for the window of an even number of outputs.
TUCO_INLINE int32_t tuco_plane_width(int32_t out_w) { return ((out_w + 1) & ~1) + 2; }

// The sums of the windows that start at x[0] and x[1], in rows of `width` values; w has 9 values.
TUCO_INLINE void tuco_dot_two_windows(int32_t sum[2], const int16_t* x, int32_t width,
                                      const uint32_t pair[6], const int8_t* w) {
#if TUCO_SIMD32
  (void)w;
  int32_t a = 0, b = 0;
  uint32_t p, q, u, v;
#define TUCO_ROW(offset)                \
  "ldrd %[p], %[q], [%[pair], #" offset \
  "]\n\t"                               \
  "ldrd %[u], %[v], [%[x]]\n\t"         \
  "smlad %[a], %[p], %[u], %[a]\n\t"    \
  "smlabt %[b], %[p], %[u], %[b]\n\t"   \
  "smlatb %[a], %[q], %[v], %[a]\n\t"   \
  "smlad %[b], %[q], %[v], %[b]\n\t"
  __asm__(                                    //
      TUCO_ROW("0")                           //
      "add %[x], %[x], %[width], lsl #1\n\t"  //
      TUCO_ROW("8")                           //
      "add %[x], %[x], %[width], lsl #1\n\t"  //
      TUCO_ROW("16")                          //
      :
      [a] "+r"(a), [b] "+r"(b), [x] "+r"(x), [p] "=&r"(p), [q] "=&r"(q), [u] "=&r"(u), [v] "=&r"(v)
      : [width] "r"(width), [pair] "r"(pair)
      : "memory");
#undef TUCO_ROW
  sum[0] = a;
  sum[1] = b;
#else
  (void)pair;
  int32_t a = 0, b = 0;
  for (int32_t row = 0; row < 3; row++, x += width, w += 3) {
    a += w[0] * x[0] + w[1] * x[1] + w[2] * x[2];
    b += w[0] * x[1] + w[1] * x[2] + w[2] * x[3];
  }
  sum[0] = a;
  sum[1] = b;
#endif
}

// out (out_h, out_w, channels) from in (in_h, in_w, channels); weights (channels, 3, 3); channel as
// in finish.h. plane holds (out_h + 2) * tuco_plane_width(out_w) values and is aligned to words.
// out is in, or overlaps nothing.
TUCO_KERNEL void tuco_depthwise_plane(int8_t* out, const int8_t* in, int16_t* plane,
                                      const int8_t* weights, int32_t in_h, int32_t in_w,
                                      int32_t out_h, int32_t out_w, int32_t channels,
                                      int32_t pad_top, int32_t pad_left, int32_t in_zero_point,
                                      const int32_t* channel, int32_t zero_point, int32_t low,
                                      int32_t high) {
  const int32_t width = tuco_plane_width(out_w), height = out_h + 2;
  for (int32_t i = 0; i < height * width; i++) plane[i] = (int16_t)in_zero_point;
  for (int32_t c = 0; c < channels; c++, channel += 2, weights += 9) {
    int16_t* to = plane + pad_top * width + pad_left;
    for (int32_t y = 0; y < in_h; y++, to += width - in_w) {
      const int8_t* from = in + y * in_w * channels + c;
      for (int32_t left = in_w; left > 0; left -= 2, from += 2 * channels) {
        *to++ = from[0];
        if (left == 1) break;
        *to++ = from[channels];
      }
    }
    uint32_t pair[6];
    for (int32_t row = 0; row < 3; row++) {
      const uint32_t middle = (uint32_t)weights[3 * row + 1] & 0xffff;
      pair[2 * row] = ((uint32_t)weights[3 * row] & 0xffff) | middle << 16;
      pair[2 * row + 1] = middle | (uint32_t)weights[3 * row + 2] << 16;
    }
    const int32_t twice = tuco_twice_bias(channel[0]), right = tuco_right_shift(channel[0]);
    const int32_t multiplier = channel[1];
    int8_t* at = out + c;
    for (int32_t y = 0; y < out_h; y++) {
      const int16_t* x = plane + y * width;
      for (int32_t left = out_w; left > 0; left -= 2, x += 2) {
        int32_t sum[2];
        tuco_dot_two_windows(sum, x, width, pair, weights);
        *at = tuco_bounded(tuco_finished(twice + 2 * sum[0], multiplier, right, zero_point), low,
                           high);
        at += channels;
        if (left == 1) break;
        *at = tuco_bounded(tuco_finished(twice + 2 * sum[1], multiplier, right, zero_point), low,
                           high);
        at += channels;
      }
    }
  }
}

#endif
