// Calls every kernel with literal geometry, as generated code does. It is compiled by each compiler
// at hand, with the headers included and with their text pasted above it (TUCO_PASTED), and must
// need nothing from any library.
#ifndef TUCO_PASTED
#include "add.h"
#include "clamp.h"
#include "columns.h"
#include "concat.h"
#include "conv2d.h"
#include "copy_strided.h"
#include "depthwise.h"
#include "fully_connected.h"
#include "logistic.h"
#include "lookup.h"
#include "maximum.h"
#include "mean.h"
#include "memory.h"
#include "mul.h"
#include "pad.h"
#include "plane.h"
#include "pool.h"
#include "prelu.h"
#include "quick_add.h"
#include "resize.h"
#include "row.h"
#include "softmax.h"
#include "tanh.h"
#include "taps.h"
#endif

static const int8_t weights[8 * 3 * 3 * 8] = {1, -2, 3, -127};
static const int32_t bias[8] = {100, -100, 0, 7, 8, 9, 10, 11};
static const int32_t multiplier[8] = {1073741824, 2147483647, 1518500250, 1073741824,
                                      1073741824, 2147483647, 1518500250, 1073741824};
static const int8_t shift[8] = {-9, -10, -8, 0, 1, -7, -31, -9};
static const int8_t doubled_steps[8] = {0, 0, 1, 0, 1, 0, 1, 0};
static const int16_t pairs[4 * 72] = {1, -2, 255, -32639, 32639};
static const int32_t finish[16] = {64 * 100 + 9, 1073741824, -64 * 100 + 10, 2147483647, 64 * 3 + 1,
                                   1518500250,   31,         1073741824};
static int8_t arena[4096];
static int16_t scratch[1024];

#ifdef __cplusplus
extern "C"
#endif
    int32_t
    literal_calls(const int8_t* in, int8_t* out);

int32_t literal_calls(const int8_t* in, int8_t* out) {
  const tuco_requantization channels = {multiplier,          shift, 1, -128, -128, 127,
                                        TUCO_DOUBLE_ROUNDING};
  const tuco_requantization single = {multiplier, shift, 0, 3, 3, 127, TUCO_SINGLE_ROUNDING};
  const tuco_window conv = {8, 8, 8, 8, 8, 8, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1};
  const tuco_window grouped = {8, 8, 8, 4, 4, 8, 3, 3, 2, 2, 1, 1, 0, 1, 0, 1, 2};
  const tuco_window narrow = {5, 7, 1, 2, 3, 3, 3, 2, 2, 2, 2, 1, 2, 1, 0, 0, 1};
  const tuco_window doubled = {2, 3, 3, 2, 3, 6, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1};
  const tuco_window pool = {4, 4, 8, 2, 2, 8, 2, 2, 2, 2, 1, 1, 0, 0, 0, 0, 1};
  const tuco_addition sum = {1, 1073741824, 0,   2,    1073741824, -1,
                             3, 1518500250, -18, -128, 127,        TUCO_DOUBLE_ROUNDING};
  const tuco_broadcast channel = {{1, 1, 8, 8}, {0, 0, 8, 1}, {0, 0, 0, 1}};
  const tuco_broadcast pixel = {{1, 1, 8, 8}, {0, 0, 8, 1}, {0, 0, 1, 0}};
  const tuco_multiplication product = {1, 2, 3, 1518500250, -6, -128, 127, TUCO_DOUBLE_ROUNDING};
  const tuco_rectification slopes = {1, 2, 3, 1518500250, 0, 1518500250, -7, TUCO_DOUBLE_ROUNDING};
  const tuco_strides turned = {{1, 1, 8, 3}, {1, 1, 1, 8}};
  tuco_conv2d(arena, in, weights, bias, &conv, -128, &channels);
  tuco_conv2d(arena + 1024, arena, weights, bias, &grouped, 5, &single);
  tuco_depthwise(arena, arena + 1024, weights, bias, &pool, 0, &channels);
  tuco_conv2d(arena + 900, arena, weights, NULL, &narrow, 7, &channels);
  tuco_depthwise(arena + 950, arena + 900, weights, NULL, &doubled, 7, &channels);
  const tuco_quick_addition quick = {1073741824, 1073741824, 1518500250, 1, 2, 3, 22, 21, 1, 1, 18};
  tuco_conv2d_columns(arena, in, scratch, pairs, &conv, -128, finish, -128, -128, 127);
  tuco_pointwise_columns(arena, in, scratch, pairs, 5, 8, 7, 1, finish, 3, 0, 100);
  tuco_fully_connected_row(arena, in, pairs, 64, 5, finish, finish + 1, 0, 0, -128, 127);
  tuco_depthwise_plane(arena, arena, scratch, weights, 8, 7, 8, 7, 8, 1, 1, 5, finish, 0, -128,
                       127);
  tuco_depthwise_taps(arena + 1024, arena, weights, &pool, 5, finish, 0, -128, 127);
  tuco_quick_add(arena, arena, arena + 512, 32, &quick, -128, 127);
  tuco_max_pool(arena + 512, arena + 1024, &pool, -128, 127);
  tuco_average_pool(arena + 640, arena + 1024, &pool, -128, 127, 0, 0);
  tuco_global_max_pool(arena + 768, arena + 1024, 16, 8, -128, 127);
  tuco_global_average_pool(arena + 776, arena + 1024, 16, 8, -128, 127);
  tuco_add(arena, arena, arena + 512, 32, &sum);
  tuco_mean(arena + 784, arena, 1, 4, 8, -3, 1073741824, -1, 4, TUCO_DOUBLE_ROUNDING);
  tuco_concat(arena + 100, arena + 784, 2, 4, 8, 4);
  tuco_pad(arena + 200, arena, 2, 2, 8, 1, 1, 1, 1, 0, 0, -128);
  tuco_clamp(arena, arena, 64, 0, 100);
  tuco_rescale(arena, arena, 64, 1, 1073741824, 0, 2, -128, 127, TUCO_DOUBLE_ROUNDING);
  tuco_add_broadcast(arena, arena, weights, &channel, &sum);
  tuco_subtract(arena, arena, arena + 512, &pixel, &sum);
  tuco_multiply(arena, arena, weights, &channel, &product);
  tuco_maximum(arena, arena, arena + 512, &pixel);
  tuco_minimum(arena, arena, weights, &channel);
  tuco_prelu(arena, arena, weights, &channel, &slopes);
  tuco_copy_strided(arena + 2000, arena, &turned);
  tuco_resize_nearest(arena + 2100, arena + 2000, 4, 2, 6, 8, doubled_steps, doubled_steps);
  tuco_lookup(arena + 2100, arena + 2100, 96, weights);
  tuco_logistic(arena, arena, 8, 0, 1717986918, 24, 120, TUCO_DOUBLE_ROUNDING);
  tuco_tanh(arena + 8, arena + 8, 8, 0, 1717986918, 24, 120, TUCO_DOUBLE_ROUNDING);
  tuco_fully_connected(arena + 300, arena, weights, bias, 1, 64, 5, 0, &channels);
  tuco_softmax(out, arena + 300, 1, 5, 1717986918, 23, -248, TUCO_DOUBLE_ROUNDING);
  tuco_fill(arena + 400, 7, 64);
  tuco_copy(out + 5, arena + 400, 64);
  return 69;
}
