// Calls in files of convolutions and fully connected layers: a[] are the arguments, in the order of
// the kernel's.
#ifndef TUCO_RUNTIME_CALLS_OF_PRODUCTS_H
#define TUCO_RUNTIME_CALLS_OF_PRODUCTS_H

#include "calls.h"
#include "conv2d.h"
#include "depthwise.h"
#include "fully_connected.h"
#include "row.h"
#include "taps.h"

TUCO_SHARED void tuco_check_conv2d_columns(tuco_checks* c, const int32_t* a) {
  const tuco_window* g = tuco_expect_window(c, a[4], 0);
  if (g == NULL) return;
  const uint32_t inputs = tuco_volume(c, g->kernel_h, g->kernel_w, g->in_c);
  tuco_expect(c, g->groups == 1 && inputs <= TUCO_MOST_PRODUCTS && g->out_c <= TUCO_MOST_SCATTERED);
  if (c->failed) return;
  const uint32_t depth = (uint32_t)tuco_column_depth((int32_t)inputs);
  tuco_in_arena(c, a[0], tuco_output_size(c, g), 0);
  tuco_in_arena(c, a[1], tuco_input_size(c, g), 1);
  tuco_in_arena(c, a[2], depth * (g->in_c % 4 == 0 ? 4 : 5), 1);
  tuco_in_file(c, (uint32_t)a[3], tuco_area(c, (uint32_t)(g->out_c + 1) / 2, depth), 2);
  tuco_in_file(c, (uint32_t)a[3], 0, 4);
  tuco_expect_int8(c, a[5]);
  tuco_expect_channels(c, a[6], g->out_c, 2);
  tuco_expect_bounds(c, a + 7);
}
TUCO_SHARED void tuco_call_conv2d_columns(const tuco_model* m, const int32_t* a) {
  tuco_conv2d_columns(TUCO_OUT, TUCO_IN, TUCO_SCRATCH(2), TUCO_INT16(3),
                      TUCO_POINTER(tuco_window, 4), a[5], TUCO_INT32(6), a[7], a[8], a[9]);
}

TUCO_SHARED void tuco_check_pointwise_columns(tuco_checks* c, const int32_t* a) {
  const int32_t pixels = a[4], in_c = a[5], out_c = a[6];
  tuco_in_arena(c, a[0], tuco_area(c, (uint32_t)pixels, (uint32_t)out_c), 0);
  tuco_in_arena(c, a[1], tuco_area(c, (uint32_t)pixels, (uint32_t)in_c), 1);
  tuco_expect(c, in_c % 4 == 0 && in_c <= TUCO_MOST_PRODUCTS && out_c <= TUCO_MOST_SCATTERED);
  if (c->failed) return;
  tuco_in_arena(c, a[2], 4 * (uint32_t)in_c, 1);
  tuco_in_file(c, (uint32_t)a[3], tuco_area(c, ((uint32_t)out_c + 1) / 2, (uint32_t)in_c), 2);
  tuco_in_file(c, (uint32_t)a[3], 0, 4);
  tuco_expect_in(c, a[7], 0, 1);
  tuco_expect_channels(c, a[8], out_c, 2);
  tuco_expect_bounds(c, a + 9);
}
TUCO_SHARED void tuco_call_pointwise_columns(const tuco_model* m, const int32_t* a) {
  tuco_pointwise_columns(TUCO_OUT, TUCO_IN, TUCO_SCRATCH(2), TUCO_INT16(3), a[4], a[5], a[6], a[7],
                         TUCO_INT32(8), a[9], a[10], a[11]);
}

TUCO_SHARED void tuco_check_fully_connected_row(tuco_checks* c, const int32_t* a) {
  const int32_t in_c = a[3], out_c = a[4];
  const uint32_t weights = tuco_area(c, ((uint32_t)out_c + 3) / 4, 2 * (uint32_t)in_c);
  tuco_expect(c, in_c > 0 && in_c % 4 == 0 && in_c <= TUCO_MOST_PRODUCTS && out_c > 0);
  if (c->failed) return;
  tuco_apart(c, a, (uint32_t)out_c, (uint32_t)in_c);
  tuco_in_arena(c, a[1], (uint32_t)in_c, 1);
  tuco_in_file(c, (uint32_t)a[2], weights, 2);
  tuco_in_file(c, (uint32_t)a[2], 0, 4);
  tuco_expect_channels(c, a[5], out_c, 1);
  tuco_expect_in(c, a[7], 0, 1);
  if (c->failed) return;
  tuco_in_file(c, (uint32_t)a[6], a[7] ? (uint32_t)out_c : 1, 4);
  tuco_expect_bounds(c, a + 8);
}
TUCO_SHARED void tuco_call_fully_connected_row(const tuco_model* m, const int32_t* a) {
  tuco_fully_connected_row(TUCO_OUT, TUCO_IN, TUCO_INT16(2), a[3], a[4], TUCO_INT32(5),
                           TUCO_INT32(6), a[7], a[8], a[9], a[10]);
}

TUCO_SHARED void tuco_check_depthwise_plane(tuco_checks* c, const int32_t* a) {
  const int32_t in_h = a[4], in_w = a[5], out_h = a[6], out_w = a[7], channels = a[8];
  tuco_in_arena(c, a[0], tuco_volume(c, out_h, out_w, channels), 0);
  tuco_in_arena(c, a[1], tuco_volume(c, in_h, in_w, channels), 0);
  if (c->failed) return;
  tuco_in_arena(c, a[2], 2 * tuco_area(c, (uint32_t)out_h + 2, (uint32_t)tuco_plane_width(out_w)),
                1);
  // With its padding the image does not reach out of the plane.
  tuco_expect_in(c, a[9], 0, out_h + 2 - in_h);
  tuco_expect_in(c, a[10], 0, out_w + 2 - in_w);
  tuco_in_file(c, (uint32_t)a[3], tuco_area(c, (uint32_t)channels, 9), 1);
  tuco_expect_int8(c, a[11]);
  tuco_expect_channels(c, a[12], channels, 2);
  tuco_expect_bounds(c, a + 13);
}
TUCO_SHARED void tuco_call_depthwise_plane(const tuco_model* m, const int32_t* a) {
  tuco_depthwise_plane(TUCO_OUT, TUCO_IN, TUCO_SCRATCH(2), TUCO_INT8(3), a[4], a[5], a[6], a[7],
                       a[8], a[9], a[10], a[11], TUCO_INT32(12), a[13], a[14], a[15]);
}

TUCO_SHARED void tuco_check_depthwise_taps(tuco_checks* c, const int32_t* a) {
  const tuco_window* g = tuco_expect_window(c, a[3], 0);
  if (g == NULL) return;
  const uint32_t taps = tuco_area(c, (uint32_t)g->kernel_h, (uint32_t)g->kernel_w);
  tuco_expect(c, g->out_c == g->in_c && taps <= TUCO_MOST_TAPS);
  tuco_in_arena(c, a[0], tuco_output_size(c, g), 0);
  tuco_in_arena(c, a[1], tuco_input_size(c, g), 0);
  tuco_in_file(c, (uint32_t)a[2], tuco_area(c, taps, (uint32_t)g->in_c), 1);
  tuco_expect_int8(c, a[4]);
  tuco_expect_channels(c, a[5], g->out_c, 2);
  tuco_expect_bounds(c, a + 6);
}
TUCO_SHARED void tuco_call_depthwise_taps(const tuco_model* m, const int32_t* a) {
  tuco_depthwise_taps(TUCO_OUT, TUCO_IN, TUCO_INT8(2), TUCO_POINTER(tuco_window, 3), a[4],
                      TUCO_INT32(5), a[6], a[7], a[8]);
}

TUCO_SHARED void tuco_check_plain_window(tuco_checks* c, const int32_t* a, int32_t depthwise) {
  const tuco_window* g = tuco_expect_window(c, a[4], 0);
  if (g == NULL) return;
  const int32_t groups = depthwise ? g->in_c : g->groups;
  tuco_expect(c, g->in_c % groups == 0 && g->out_c % groups == 0);
  const uint32_t filter = tuco_volume(c, g->kernel_h, g->kernel_w, g->in_c / groups);
  tuco_expect(c, filter <= TUCO_MOST_PLAIN_PRODUCTS);
  tuco_apart(c, a, tuco_output_size(c, g), tuco_input_size(c, g));
  tuco_in_file(c, (uint32_t)a[2], tuco_area(c, filter, (uint32_t)g->out_c), 1);
  tuco_expect_biases(c, a[3], g->out_c);
  tuco_expect_int8(c, a[5]);
  tuco_expect_requantization(c, a[6], g->out_c);
}

TUCO_SHARED void tuco_check_conv2d(tuco_checks* c, const int32_t* a) {
  tuco_check_plain_window(c, a, 0);
}
TUCO_SHARED void tuco_call_conv2d(const tuco_model* m, const int32_t* a) {
  const tuco_requantization r = tuco_requantization_at(m, a[6]);
  tuco_conv2d(TUCO_OUT, TUCO_IN, TUCO_INT8(2), tuco_biases_at(m, a[3]),
              TUCO_POINTER(tuco_window, 4), a[5], &r);
}

TUCO_SHARED void tuco_check_depthwise(tuco_checks* c, const int32_t* a) {
  tuco_check_plain_window(c, a, 1);
}
TUCO_SHARED void tuco_call_depthwise(const tuco_model* m, const int32_t* a) {
  const tuco_requantization r = tuco_requantization_at(m, a[6]);
  tuco_depthwise(TUCO_OUT, TUCO_IN, TUCO_INT8(2), tuco_biases_at(m, a[3]),
                 TUCO_POINTER(tuco_window, 4), a[5], &r);
}

TUCO_SHARED void tuco_check_fully_connected(tuco_checks* c, const int32_t* a) {
  const int32_t rows = a[4], in_c = a[5], out_c = a[6];
  const uint32_t outputs = tuco_area(c, (uint32_t)rows, (uint32_t)out_c);
  const uint32_t inputs = tuco_area(c, (uint32_t)rows, (uint32_t)in_c);
  const uint32_t weights = tuco_area(c, (uint32_t)in_c, (uint32_t)out_c);
  tuco_expect(c, in_c <= TUCO_MOST_PLAIN_PRODUCTS);
  if (c->failed) return;
  tuco_apart(c, a, outputs, inputs);
  tuco_in_file(c, (uint32_t)a[2], weights, 1);
  tuco_expect_biases(c, a[3], out_c);
  tuco_expect_int8(c, a[7]);
  tuco_expect_requantization(c, a[8], out_c);
}
TUCO_SHARED void tuco_call_fully_connected(const tuco_model* m, const int32_t* a) {
  const tuco_requantization r = tuco_requantization_at(m, a[8]);
  tuco_fully_connected(TUCO_OUT, TUCO_IN, TUCO_INT8(2), tuco_biases_at(m, a[3]), a[4], a[5], a[6],
                       a[7], &r);
}

#endif
