// Depthwise convolution with a 3x3 window and stride 1, a channel at a time: the channel's plane is
// copied with its padding, widened to int16, so that neighbours lie side by side and the output
// may take the input's place.
#ifndef TUCO_RUNTIME_PLANE_H
#define TUCO_RUNTIME_PLANE_H

#include "helium.h"

// The width of a plane's row: even, and room for the window of an even number of outputs.
TUCO_INLINE int32_t tuco_plane_width(int32_t out_w) { return ((out_w + 1) & ~1) + 2; }

#if TUCO_HELIUM

// The plane of a channel as bytes, in bands of four rows, each of which begins two rows below the
// one before; a band lies in memory column by column. So a window of three columns lies within 16
// bytes, four windows do, two by two, and a product of vectors gives the sum of a window.

// Copies a channel of the image into a band: `columns` columns of its rows, of which those are in
// the image for whose lanes there are bits. Pixels are `step` apart, `at` says how far its rows
// are.
TUCO_INLINE void tuco_copy_band(int8_t* to, const int8_t* from, int32_t columns, int32_t step,
                                uint32x4_t at, uint32_t lanes) {
  uint32_t predicate;  // compilers cannot be told that it changes
  // Stores that narrow take their address from a low register.
  __asm__ volatile(
      "vmrs %[predicate], p0\n\t"
      "vmsr p0, %[lanes]\n\t"
      "dls lr, %[columns]\n"
      "1:\n\t"
      "vpstt\n\t"
      "vldrbt.u32 q0, [%[from], %q[at]]\n\t"
      "vstrbt.32 q0, [%[to]], #4\n\t"
      "add %[from], %[from], %[step]\n\t"
      "le lr, 1b\n\t"
      "vmsr p0, %[predicate]"
      : [predicate] "=&r"(predicate), [to] "+&l"(to), [from] "+&r"(from)
      : [columns] "r"(columns), [step] "r"(step), [at] "w"(at), [lanes] "r"(lanes)
      : "q0", "lr", "memory");
}

// The parameters of a channel's outputs, two by two.
typedef struct {
  int8x16_t weights, moved;  // as they meet a band's bytes, and moved by a column
  uint32x4_t at;  // where the outputs lie: above left, below left, above right, below right
  int32x4_t low, high;
  int32_t bias, multiplier, left_shift, zero_point;
} tuco_band_channel;

// `count` times four outputs, `step` bytes apart, of which those are written that have bits in the
// lower half of `lanes`; then once more for those in the upper half, if there are any. A window one
// row below is met by the bytes from one further on.
TUCO_INLINE void tuco_multiply_band(int8_t* out, const int8_t* x, int32_t count, int32_t step,
                                    const tuco_band_channel* c, uint32_t lanes) {
  int32_t s1, s2;
  __asm__ volatile(
      "vmrs %[s1], p0\n\t"  // compilers cannot be told that it changes
      "vmov s8, %[s1]\n\t"
      "vmov s9, %[lanes]\n\t"
      "vmsr p0, %[lanes]\n\t"
      "wls lr, %[count], 2f\n"
      "1:\n\t"
      "vldrb.8 q1, [%[x], #1]\n\t"
      "vldrb.8 q0, [%[x]], #8\n\t"
      "vmladav.s8 %[s1], q1, %q[weights]\n\t"
      "vmladav.s8 %[count], q1, %q[moved]\n\t"
      "vmladav.s8 %[lanes], q0, %q[weights]\n\t"
      "vmladav.s8 %[s2], q0, %q[moved]\n\t"
      "vmov q0[3], q0[1], %[s1], %[count]\n\t"
      "vmov q0[2], q0[0], %[lanes], %[s2]\n\t"
      "vadd.i32 q0, q0, %[bias]\n\t"
      "vqrdmulh.s32 q0, q0, %[multiplier]\n\t"
      "vshr.s32 q1, q0, #31\n\t"
      "vadd.i32 q0, q0, q1\n\t"
      "vrshl.s32 q0, %[left_shift]\n\t"
      "vadd.i32 q0, q0, %[zero_point]\n\t"
      "vmax.s32 q0, q0, %q[low]\n\t"
      "vmin.s32 q0, q0, %q[high]\n\t"
      "vpst\n\t"
      "vstrbt.32 q0, [%[out], %q[at]]\n\t"
      "add %[out], %[out], %[step]\n\t"
      "le lr, 1b\n"
      "2:\n\t"
      "vmov %[lanes], s9\n\t"
      "lsrs %[lanes], %[lanes], #16\n\t"
      "beq 3f\n\t"
      "vmov s9, %[lanes]\n\t"
      "vmsr p0, %[lanes]\n\t"
      "mov lr, #1\n\t"
      "b 1b\n"
      "3:\n\t"
      "vmov %[s1], s8\n\t"
      "vmsr p0, %[s1]"
      : [s1] "=&Te"(s1), [s2] "=&Te"(s2), [count] "+&Te"(count), [out] "+&r"(out), [x] "+&r"(x),
        [lanes] "+&Te"(lanes)
      : [step] "r"(step), [weights] "w"(c->weights), [moved] "w"(c->moved), [at] "w"(c->at),
        [low] "w"(c->low), [high] "w"(c->high), [bias] "r"(c->bias),
        [multiplier] "r"(c->multiplier), [left_shift] "r"(c->left_shift),
        [zero_point] "r"(c->zero_point)
      : "q0", "q1", "q2", "lr", "cc", "memory");
}

#else

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

#endif

// out (out_h, out_w, channels) from in (in_h, in_w, channels); weights (channels, 3, 3); channel as
// in finish.h. plane holds (out_h + 2) * tuco_plane_width(out_w) values and is aligned to words.
// out is in, or overlaps nothing.
TUCO_KERNEL void tuco_depthwise_plane(int8_t* out, const int8_t* in, int16_t* plane,
                                      const int8_t* weights, int32_t in_h, int32_t in_w,
                                      int32_t out_h, int32_t out_w, int32_t channels,
                                      int32_t pad_top, int32_t pad_left, int32_t in_zero_point,
                                      const int32_t* channel, int32_t zero_point, int32_t low,
                                      int32_t high) {
  const int32_t width = tuco_plane_width(out_w);
#if TUCO_HELIUM
  // Where a window's three columns of weights meet the columns of a band.
  static const uint8_t place[16] = {0, 3, 6, 0, 1, 4, 7, 0, 2, 5, 8};
  int8_t* const bands = (int8_t*)plane;
  const int32_t count = (out_h + 1) >> 1, row = in_w * channels, out_row = out_w * channels;
  const uint32x4_t lanes = vidupq_n_u32(0, 1), rows = vmulq_n_u32(lanes, (uint32_t)row);
  tuco_band_channel parameters;
  parameters.at = vaddq_u32(vmulq_n_u32(vandq_u32(lanes, vdupq_n_u32(1)), (uint32_t)out_row),
                            vmulq_n_u32(vshrq_n_u32(lanes, 1), (uint32_t)channels));
  parameters.low = vdupq_n_s32(low);
  parameters.high = vdupq_n_s32(high);
  parameters.zero_point = zero_point;
  tuco_fill_vectors(bands, in_zero_point, 4 * width * count);
  for (int32_t c = 0; c < channels; c++, channel += 2, weights += 9) {
    int32_t top = -pad_top, zero = 0;
    for (int32_t i = 0; i < count; i++, top += 2) {
      const int32_t above = tuco_clamped(-top, 0, 4), inside = tuco_clamped(in_h - top, 0, 4);
      tuco_copy_band(bands + 4 * (i * width + pad_left), in + top * row + c, in_w, channels, rows,
                     (1u << 4 * inside) - (1u << 4 * above));
    }
    parameters.weights = vldrbq_gather_offset_z_s8(weights, vldrbq_u8(place), 0x0777);
    parameters.moved = parameters.weights;
    __asm__("vshlc %q0, %1, #32" : "+w"(parameters.moved), "+r"(zero));
    parameters.bias = tuco_bias(channel[0]);
    parameters.multiplier = channel[1];
    parameters.left_shift = -tuco_right_shift(channel[0]);
    int8_t* to = out + c;
    const int8_t* x = bands;
    for (int32_t y = out_h; y > 0; y -= 2, x += 4 * width, to += 2 * out_row) {
      const uint32_t whole = y > 1 ? 0xffff : 0x0f0f, last = out_w & 1 ? whole & 0xff : 0;
      tuco_multiply_band(to, x, out_w >> 1, 2 * channels, &parameters, whole | last << 16);
    }
  }
#else
  const int32_t height = out_h + 2;
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
#endif
}

#endif
