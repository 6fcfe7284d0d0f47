// What must be true of a call's arguments in a file before a kernel may be trusted with them: every
// byte that it reads lies in the file or the arena, every byte that it writes in the arena, no
// integer overflows, nothing is divided by zero.
#ifndef TUCO_RUNTIME_CHECKS_H
#define TUCO_RUNTIME_CHECKS_H

#include "columns.h"
#include "model_file.h"
#include "plane.h"

// So many products or inputs leave room in an int32 for the bias, and for twice the sum where a
// kernel takes that (finish.h).
enum {
  TUCO_MOST_PRODUCTS = 63487,        // of int8 with int8
  TUCO_MOST_TAPS = 16384,            // of int8 with differences of int8
  TUCO_MOST_PLAIN_PRODUCTS = 32767,  // the same, not doubled
  TUCO_MOST_CELLS = 1 << 22,
  TUCO_MOST_SCATTERED = 16384  // channels, of which Helium writes to four pixels at a time
};

// Struct `type` in the file; the file's beginning, with c->failed set, where it is not all there.
#define TUCO_STRUCT(type, at) \
  ((const type*)(const void*)tuco_in_file(c, (uint32_t)(at), sizeof(type) / 4, 4))

// A file and an arena, and whether something about them was wrong.
typedef struct {
  const uint8_t* file;
  uint32_t file_bytes, arena_bytes;
  int32_t failed;
} tuco_checks;

TUCO_INLINE void tuco_expect(tuco_checks* c, int32_t condition) {
  if (!condition) c->failed = 1;
}

// Whether low <= value <= high.
TUCO_SHARED void tuco_expect_in(tuco_checks* c, int32_t value, int32_t low, int32_t high) {
  tuco_expect(c, value >= low && value <= high);
}

TUCO_SHARED void tuco_expect_int8(tuco_checks* c, int32_t value) {
  tuco_expect_in(c, value, -128, 127);
}

// a * b of sizes, which must be positive. From TUCO_FILE_LIMIT on something is wrong.
TUCO_SHARED uint32_t tuco_area(tuco_checks* c, uint32_t a, uint32_t b) {
  const uint64_t product = (uint64_t)a * b;
  const int32_t fits =
      product > 0 && a <= TUCO_FILE_LIMIT && b <= TUCO_FILE_LIMIT && product <= TUCO_FILE_LIMIT;
  tuco_expect(c, fits);
  return fits ? (uint32_t)product : 1;
}

TUCO_SHARED uint32_t tuco_volume(tuco_checks* c, int32_t a, int32_t b, int32_t d) {
  return tuco_area(c, tuco_area(c, (uint32_t)a, (uint32_t)b), (uint32_t)d);
}

// Bytes from `at` on lie in the arena, in its words if `words` is 1.
TUCO_SHARED void tuco_in_arena(tuco_checks* c, int32_t at, uint32_t bytes, int32_t words) {
  const uint32_t place = (uint32_t)at;
  tuco_expect(
      c, place <= c->arena_bytes && bytes <= c->arena_bytes - place && (!words || place % 4 == 0));
}

// `count` elements of 1, 2 or 4 bytes lie in the file, at an address for these. Returns them, or,
// where that is wrong, the file's beginning.
TUCO_SHARED const uint8_t* tuco_in_file(tuco_checks* c, uint32_t at, uint32_t count,
                                        uint32_t element) {
  const uint32_t offset = at & ~TUCO_IN_FILE;
  const int32_t fits = (at & TUCO_IN_FILE) && offset <= c->file_bytes &&
                       count <= (c->file_bytes - offset) / element && offset % element == 0;
  tuco_expect(c, fits);
  return fits ? c->file + offset : c->file;
}

// Bytes that are only read lie in either.
TUCO_SHARED void tuco_readable(tuco_checks* c, int32_t at, uint32_t bytes) {
  if ((uint32_t)at & TUCO_IN_FILE)
    tuco_in_file(c, (uint32_t)at, bytes, 1);
  else
    tuco_in_arena(c, at, bytes, 0);
}

// The output, in the arena, and the input, in either, do not overlap.
TUCO_SHARED void tuco_apart(tuco_checks* c, const int32_t* a, uint32_t out_bytes,
                            uint32_t in_bytes) {
  tuco_in_arena(c, a[0], out_bytes, 0);
  tuco_readable(c, a[1], in_bytes);
  const uint32_t out = (uint32_t)a[0], in = (uint32_t)a[1];
  tuco_expect(c, out >= in ? out - in >= in_bytes : in - out >= out_bytes);
}

// A multiplier of requantize.h with its shift and rounding.
TUCO_SHARED void tuco_expect_factor(tuco_checks* c, int32_t multiplier, int32_t shift,
                                    int32_t rounding) {
  tuco_expect(c, multiplier >= 0);
  tuco_expect_in(c, rounding, 0, 1);
  if (!c->failed) tuco_expect_in(c, shift, -31, 31 - rounding);
}

// What ends the arguments of most kernels: zero point and bounds.
TUCO_SHARED void tuco_expect_bounds(tuco_checks* c, const int32_t* zero_point_low_high) {
  for (int32_t i = 0; i < 3; i++) tuco_expect_int8(c, zero_point_low_high[i]);
}

// The words of `count` channels in finish.h, `step` words apart.
TUCO_SHARED void tuco_expect_channels(tuco_checks* c, int32_t at, int32_t count, int32_t step) {
  const uint32_t words = tuco_area(c, (uint32_t)count, (uint32_t)step);
  const int32_t* word = (const int32_t*)(const void*)tuco_in_file(c, (uint32_t)at, words, 4);
  if (c->failed) return;
  for (; count > 0; count--, word += step) tuco_expect(c, tuco_right_shift(*word) >= 1);
}

// A tuco_file_requantization for `channels` channels.
TUCO_SHARED void tuco_expect_requantization(tuco_checks* c, int32_t at, int32_t channels) {
  const tuco_file_requantization* r =
      (const tuco_file_requantization*)(const void*)tuco_in_file(c, (uint32_t)at, 7, 4);
  if (c->failed) return;
  const uint32_t count = r->per_channel ? (uint32_t)channels : 1;
  const int32_t* multiplier = (const int32_t*)(const void*)tuco_in_file(c, r->multiplier, count, 4);
  const int8_t* shift = (const int8_t*)tuco_in_file(c, r->shift, count, 1);
  tuco_expect_bounds(c, &r->zero_point);
  if (c->failed) return;
  for (uint32_t i = 0; i < count; i++) tuco_expect_factor(c, multiplier[i], shift[i], r->rounding);
}

// The biases of plain kernels, or null.
TUCO_SHARED void tuco_expect_biases(tuco_checks* c, int32_t at, int32_t count) {
  if (at == 0) return;
  const int32_t* bias =
      (const int32_t*)(const void*)tuco_in_file(c, (uint32_t)at, (uint32_t)count, 4);
  if (c->failed) return;
  for (int32_t i = 0; i < count; i++) tuco_expect_in(c, bias[i], -(1 << 30), 1 << 30);
}

// One direction of a window: sizes are positive, and each window begins and ends in the padded
// image. Where `full` is 1 each holds a cell of the image.
TUCO_SHARED void tuco_expect_axis(tuco_checks* c, int32_t in, int32_t out, int32_t kernel,
                                  int32_t stride, int32_t dilation, int32_t before, int32_t after,
                                  int32_t full) {
  const int32_t padded = in + before + after;
  tuco_expect(c, in > 0 && out > 0 && kernel > 0 && stride > 0 && dilation > 0 && before >= 0 &&
                     after >= 0);
  if (c->failed) return;
  tuco_expect(c, (out - 1) * stride + (kernel - 1) * dilation < padded ||
                     (out - 1) * stride < in + before);  // the last window may be cut off
  tuco_expect(c, (kernel - 1) * dilation < padded);
  for (int32_t i = 0; full && i < out; i++) {
    const int32_t origin = i * stride - before;
    tuco_expect(c, tuco_end_tap(origin, in, dilation, kernel) > tuco_first_tap(origin, dilation));
  }
}

// A window of the file, or null if something is wrong with it.
TUCO_SHARED const tuco_window* tuco_expect_window(tuco_checks* c, int32_t at, int32_t full) {
  const tuco_window* g =
      (const tuco_window*)(const void*)tuco_in_file(c, (uint32_t)at, sizeof(tuco_window) / 2, 2);
  if (c->failed) return NULL;
  tuco_expect_axis(c, g->in_h, g->out_h, g->kernel_h, g->stride_h, g->dilation_h, g->pad_top,
                   g->pad_bottom, full);
  tuco_expect_axis(c, g->in_w, g->out_w, g->kernel_w, g->stride_w, g->dilation_w, g->pad_left,
                   g->pad_right, full);
  if (c->failed) return NULL;
  tuco_volume(c, g->in_h + g->pad_top + g->pad_bottom, g->in_w + g->pad_left + g->pad_right,
              g->in_c);
  tuco_volume(c, g->in_w, g->in_c, g->dilation_h);  // a step between dilated rows
  tuco_area(c, (uint32_t)g->in_c, (uint32_t)g->dilation_w);
  tuco_expect(c, g->groups > 0 && g->out_c > 0);
  return c->failed ? NULL : g;
}

TUCO_INLINE uint32_t tuco_input_size(tuco_checks* c, const tuco_window* g) {
  return tuco_volume(c, g->in_h, g->in_w, g->in_c);
}
TUCO_INLINE uint32_t tuco_output_size(tuco_checks* c, const tuco_window* g) {
  return tuco_volume(c, g->out_h, g->out_w, g->out_c);
}

// Four sizes with the steps of a walk over them; returns how many bytes it spans.
TUCO_SHARED uint32_t tuco_span(tuco_checks* c, const int32_t* size, const int32_t* step) {
  uint32_t last = 0;
  for (int32_t d = 0; d < 4; d++) {
    tuco_expect(c, size[d] > 0 && size[d] <= TUCO_FILE_LIMIT);
    if (c->failed) return 1;
    if (size[d] > 1 && step[d] != 0) last += tuco_area(c, (uint32_t)size[d], (uint32_t)step[d]);
    tuco_expect(c, last <= TUCO_FILE_LIMIT && step[d] >= 0 && step[d] <= TUCO_FILE_LIMIT);
    if (c->failed) return 1;
    if (size[d] > 1) last -= (uint32_t)step[d];
  }
  return last + 1;
}

TUCO_INLINE uint32_t tuco_span_size(tuco_checks* c, const int32_t* size) {
  return tuco_area(c, tuco_volume(c, size[0], size[1], size[2]), (uint32_t)size[3]);
}

#endif
