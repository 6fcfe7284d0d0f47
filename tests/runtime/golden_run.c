#include "golden_run.h"

#include "tuco/deploy/runtime/add.h"
#include "tuco/deploy/runtime/clamp.h"
#include "tuco/deploy/runtime/concat.h"
#include "tuco/deploy/runtime/conv2d.h"
#include "tuco/deploy/runtime/copy_strided.h"
#include "tuco/deploy/runtime/depthwise.h"
#include "tuco/deploy/runtime/fully_connected.h"
#include "tuco/deploy/runtime/logistic.h"
#include "tuco/deploy/runtime/lookup.h"
#include "tuco/deploy/runtime/maximum.h"
#include "tuco/deploy/runtime/mean.h"
#include "tuco/deploy/runtime/mul.h"
#include "tuco/deploy/runtime/pad.h"
#include "tuco/deploy/runtime/pool.h"
#include "tuco/deploy/runtime/resize.h"
#include "tuco/deploy/runtime/softmax.h"
#include "tuco/deploy/runtime/tanh.h"

enum { HEADER_WORDS = 6, MARK = 0x31434754 };

size_t golden_read(const uint8_t* bytes, size_t size, golden_case* into) {
  const int32_t* words = (const int32_t*)(const void*)bytes;
  if (size < HEADER_WORDS * 4 || words[0] != MARK || words[1] < HEADER_WORDS * 4) return 0;
  const size_t total = (size_t)words[1];
  if (total > size || total % 4 != 0) return 0;
  into->operation = words[2];
  into->parameter_count = words[3];
  into->scale_count = words[4];
  into->blob_count = words[5];
  if (into->blob_count < 2 || into->blob_count > GOLDEN_MAX_BLOBS) return 0;
  const int32_t* at = words + HEADER_WORDS;
  const int32_t* end = words + total / 4;
  into->parameters = at;
  at += into->parameter_count;
  into->scales = (const float*)(const void*)at;
  at += into->scale_count;
  for (int32_t i = 0; i < into->blob_count; i++) {
    if (at >= end) return 0;
    into->blob_sizes[i] = *at++;
    into->blobs[i] = (const int8_t*)(const void*)at;
    at += (into->blob_sizes[i] + 3) / 4;
  }
  return at == end ? total : 0;
}

static tuco_window window_of(const int32_t* p) {
  const tuco_window g = {
      (int16_t)p[0],  (int16_t)p[1],  (int16_t)p[2],  (int16_t)p[3],  (int16_t)p[4],
      (int16_t)p[5],  (int16_t)p[6],  (int16_t)p[7],  (int16_t)p[8],  (int16_t)p[9],
      (int16_t)p[10], (int16_t)p[11], (int16_t)p[12], (int16_t)p[13], (int16_t)p[14],
      (int16_t)p[15], (int16_t)p[16]};
  return g;
}

// Convolution, depthwise, fully connected. Parameters: batch, the window's 17, zero points of input
// and output, low, high, per channel, activation. Blobs: input, weights, bias (or nothing),
// multipliers, shifts.
static void run_weighted(const golden_case* c, int8_t* out, int32_t rounding) {
  const int32_t* p = c->parameters;
  const tuco_window g = window_of(p + 1);
  const int32_t* bias = c->blob_sizes[3] ? (const int32_t*)(const void*)c->blobs[3] : NULL;
  const tuco_requantization r = {
      (const int32_t*)(const void*)c->blobs[4], c->blobs[5], p[22], p[19], p[20], p[21], rounding};
  const int8_t* in = c->blobs[1];
  if (c->operation == GOLDEN_FULLY_CONNECTED) {
    tuco_fully_connected(out, in, c->blobs[2], bias, p[0], g.in_c, g.out_c, p[18], &r);
    return;
  }
  for (int32_t image = 0; image < p[0]; image++) {
    if (c->operation == GOLDEN_CONV2D)
      tuco_conv2d(out, in, c->blobs[2], bias, &g, p[18], &r);
    else
      tuco_depthwise(out, in, c->blobs[2], bias, &g, p[18], &r);
    in += g.in_h * g.in_w * g.in_c;
    out += g.out_h * g.out_w * g.out_c;
  }
}

// Parameters: batch, the window's 17, zero point, low, high, activation. Blob: input.
static void run_pool(const golden_case* c, int8_t* out) {
  const int32_t* p = c->parameters;
  const tuco_window g = window_of(p + 1);
  const int8_t* in = c->blobs[1];
  for (int32_t image = 0; image < p[0]; image++) {
    if (c->operation == GOLDEN_MAX_POOL)
      tuco_max_pool(out, in, &g, p[19], p[20]);
    else
      tuco_average_pool(out, in, &g, p[19], p[20], 0, p[18]);
    in += g.in_h * g.in_w * g.in_c;
    out += g.out_h * g.out_w * g.out_c;
  }
}

// Two operands that broadcast. Parameters: the 12 of a tuco_broadcast, then of a sum zero point and
// factor of a, b, out, of a product zero points of a, b, out and its factor, and of both low, high.
static void run_operands(const golden_case* c, int8_t* out, int32_t rounding) {
  const int32_t* p = c->parameters + 12;
  tuco_broadcast g;
  for (int32_t i = 0; i < 4; i++) {
    g.size[i] = c->parameters[i];
    g.a_step[i] = c->parameters[4 + i];
    g.b_step[i] = c->parameters[8 + i];
  }
  const int8_t *a = c->blobs[1], *b = c->blobs[2];
  if (c->operation == GOLDEN_MAXIMUM) {
    tuco_maximum(out, a, b, &g);
  } else if (c->operation == GOLDEN_MINIMUM) {
    tuco_minimum(out, a, b, &g);
  } else if (c->operation == GOLDEN_MUL) {
    const tuco_multiplication mul = {p[0], p[1], p[2], p[3], p[4], p[5], p[6], rounding};
    tuco_multiply(out, a, b, &g, &mul);
  } else {
    const tuco_addition add = {p[0], p[1], p[2], p[3], p[4],  p[5],
                               p[6], p[7], p[8], p[9], p[10], rounding};
    if (c->operation == GOLDEN_SUB)
      tuco_subtract(out, a, b, &g, &add);
    else
      tuco_add_broadcast(out, a, b, &g, &add);
  }
}

int32_t golden_run(const golden_case* c, int8_t* out, int32_t capacity, int32_t rounding) {
  const int32_t* p = c->parameters;
  const int32_t size = c->blob_sizes[c->blob_count - 1];
  const int8_t* in = c->blobs[1];
  if (size > capacity) return -1;
  switch (c->operation) {
    case GOLDEN_CONV2D:
    case GOLDEN_DEPTHWISE:
    case GOLDEN_FULLY_CONNECTED:
      run_weighted(c, out, rounding);
      return size;
    case GOLDEN_MAX_POOL:
    case GOLDEN_AVERAGE_POOL:
      run_pool(c, out);
      return size;
    case GOLDEN_ADD: {  // size, zero point and factor of a, b, out; low, high, activation
      const tuco_addition add = {p[1], p[2], p[3], p[4],  p[5],  p[6],
                                 p[7], p[8], p[9], p[10], p[11], rounding};
      tuco_add(out, in, c->blobs[2], p[0], &add);
      return size;
    }
    case GOLDEN_MEAN:  // outer, reduced, inner, zero point, factor, zero point of the output
      tuco_mean(out, in, p[0], p[1], p[2], p[3], p[4], p[5], p[6], rounding);
      return size;
    case GOLDEN_SOFTMAX:  // rows, depth, factor, smallest difference
      tuco_softmax(out, in, p[0], p[1], p[2], p[3], p[4], rounding);
      return size;
    case GOLDEN_LOGISTIC:  // size, zero point, factor, radius
      tuco_logistic(out, in, p[0], p[1], p[2], p[3], p[4], rounding);
      return size;
    case GOLDEN_TANH:
      tuco_tanh(out, in, p[0], p[1], p[2], p[3], p[4], rounding);
      return size;
    case GOLDEN_CONCAT: {  // outer, the number of parts, the size of each
      int32_t whole = 0, offset = 0;
      for (int32_t i = 0; i < p[1]; i++) whole += p[2 + i];
      for (int32_t i = 0; i < p[1]; offset += p[2 + i], i++)
        tuco_concat(out, c->blobs[1 + i], p[0], p[2 + i], whole, offset);
      return size;
    }
    case GOLDEN_PAD:  // h, w, c, six paddings, value
      tuco_pad(out, in, p[0], p[1], p[2], p[3], p[4], p[5], p[6], p[7], p[8], p[9]);
      return size;
    case GOLDEN_RESCALE:  // size, zero point, factor, zero point of the output, low, high, is ReLU
      tuco_rescale(out, in, p[0], p[1], p[2], p[3], p[4], p[5], p[6], rounding);
      return size;
    case GOLDEN_CLAMP:  // size, low, high
      tuco_clamp(out, in, p[0], p[1], p[2]);
      return size;
    case GOLDEN_LOOKUP:  // size, the function, zero points of input and output
      tuco_lookup(out, in, p[0], c->blobs[2]);
      return size;
    case GOLDEN_ADD_BROADCAST:
    case GOLDEN_SUB:
    case GOLDEN_MUL:
    case GOLDEN_MAXIMUM:
    case GOLDEN_MINIMUM:
      run_operands(c, out, rounding);
      return size;
    case GOLDEN_COPY_STRIDED: {  // offset, four sizes, four steps
      const tuco_strides g = {{p[1], p[2], p[3], p[4]}, {p[5], p[6], p[7], p[8]}};
      tuco_copy_strided(out, in + p[0], &g);
      return size;
    }
    case GOLDEN_RESIZE_NEAREST:  // h, w, c, height and width of the output, two flags
      tuco_resize_nearest(out, in, p[1], p[2], p[3], p[4], c->blobs[2], c->blobs[3]);
      return size;
    default:
      return -1;
  }
}

int32_t golden_differences(const golden_case* c, const int8_t* out, int32_t size) {
  const int8_t* expected = c->blobs[c->blob_count - 1];
  int32_t wrong = 0;
  for (int32_t i = 0; i < size; i++) wrong += out[i] != expected[i];
  return wrong;
}
