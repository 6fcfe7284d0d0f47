// The geometry of an operation that slides a window over an image: convolution, depthwise
// convolution and pooling. Images are (height, width, channels); a batch is so many calls.
#ifndef TUCO_RUNTIME_WINDOW_H
#define TUCO_RUNTIME_WINDOW_H

#include "base.h"

// All sizes are positive, paddings are not negative. For pooling out_c is in_c.
typedef struct {
  int16_t in_h, in_w, in_c;
  int16_t out_h, out_w, out_c;
  int16_t kernel_h, kernel_w;
  int16_t stride_h, stride_w;
  int16_t dilation_h, dilation_w;
  int16_t pad_top, pad_bottom, pad_left, pad_right;
  int16_t groups;  // of a convolution: divides in_c and out_c
} tuco_window;

// The first tap of a window that starts at `origin` (negative in the padding) on a cell >= 0.
TUCO_INLINE int32_t tuco_first_tap(int32_t origin, int32_t dilation) {
  return origin >= 0 ? 0 : (dilation - 1 - origin) / dilation;
}

// One past the last tap of a window of `taps` taps that falls on a cell below `size`; at most the
// first tap when there is none.
TUCO_INLINE int32_t tuco_end_tap(int32_t origin, int32_t size, int32_t dilation, int32_t taps) {
  return origin >= size ? 0 : tuco_min(taps, (size - origin + dilation - 1) / dilation);
}

#endif
