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
  uint32_t u, v;
#define TUCO_ROW(p, q)          \
  "ldrd %[u], %[v], [%[x]]\n\t" \
  "smlad %[a], " p              \
  ", %[u], %[a]\n\t"            \
  "smlabt %[b], " p             \
  ", %[u], %[b]\n\t"            \
  "smlatb %[a], " q             \
  ", %[v], %[a]\n\t"            \
  "smlad %[b], " q ", %[v], %[b]\n\t"
  __asm__(                                    //
      TUCO_ROW("%[p0]", "%[q0]")              //
      "add %[x], %[x], %[width], lsl #1\n\t"  //
      TUCO_ROW("%[p1]", "%[q1]")              //
      "add %[x], %[x], %[width], lsl #1\n\t"  //
      TUCO_ROW("%[p2]", "%[q2]")              //
      : [a] "+r"(a), [b] "+r"(b), [x] "+r"(x), [u] "=&r"(u), [v] "=&r"(v)
      : [width] "r"(width), [p0] "r"(pair[0]), [q0] "r"(pair[1]), [p1] "r"(pair[2]),
        [q1] "r"(pair[3]), [p2] "r"(pair[4]), [q2] "r"(pair[5])
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

// out (out_h, out_w, channels) from in (in_h, in_w, channels); weights (channels, 3, 3). plane
// holds (out_h + 2) * tuco_plane_width(out_w) values and is aligned to words. out is in, or
// overlaps nothing.
TUCO_KERNEL void tuco_depthwise_plane(int8_t* out, const int8_t* in, int16_t* plane,
                                      const int8_t* weights, int32_t in_h, int32_t in_w,
                                      int32_t out_h, int32_t out_w, int32_t channels,
                                      int32_t pad_top, int32_t pad_left, int32_t in_zero_point,
                                      const tuco_finish* f, int32_t low, int32_t high) {
  const int32_t width = tuco_plane_width(out_w), height = out_h + 2;
  for (int32_t i = 0; i < height * width; i++) plane[i] = (int16_t)in_zero_point;
  for (int32_t c = 0; c < channels; c++, weights += 9) {
    const int8_t* from = in + c;
    int16_t* to = plane + pad_top * width + pad_left;
    for (int32_t y = 0; y < in_h; y++, to += width - in_w)
      for (const int16_t* const end = to + in_w; to != end; from += channels) *to++ = *from;
    uint32_t pair[6];
    for (int32_t row = 0; row < 3; row++) {
      const uint32_t middle = (uint32_t)weights[3 * row + 1] & 0xffff;
      pair[2 * row] = ((uint32_t)weights[3 * row] & 0xffff) | middle << 16;
      pair[2 * row + 1] = middle | (uint32_t)weights[3 * row + 2] << 16;
    }
    const int32_t twice_bias = tuco_twice_bias(f->bias[c]), right = tuco_right_shift(f->bias[c]);
    const int32_t multiplier = f->multiplier[c * f->multiplier_step];
    int8_t* at = out + c;
    for (int32_t y = 0; y < out_h; y++) {
      const int16_t* x = plane + y * width;
      for (int32_t left = out_w; left > 0; left -= 2, x += 2) {
        int32_t sum[2];
        tuco_dot_two_windows(sum, x, width, pair, weights);
        const int32_t a = tuco_finished(twice_bias + 2 * sum[0], multiplier, right, f->zero_point);
        *at = (int8_t)tuco_clamped(a, low, high);
        at += channels;
        if (left == 1) break;
        const int32_t b = tuco_finished(twice_bias + 2 * sum[1], multiplier, right, f->zero_point);
        *at = (int8_t)tuco_clamped(b, low, high);
        at += channels;
      }
    }
  }
}

#endif
