// Resizing of an image by the nearest pixel; scale and zero point stay.
#ifndef TUCO_RUNTIME_RESIZE_H
#define TUCO_RUNTIME_RESIZE_H

#include "memory.h"

// out (out_h, out_w, c) = pixels of in (in_h, in_w, c). The source of row y is y_steps[y] rows
// below that of the row before, the first one's below the image's first; x_steps says it of
// columns.
TUCO_KERNEL void tuco_resize_nearest(int8_t* TUCO_RESTRICT out, const int8_t* TUCO_RESTRICT in,
                                     int32_t in_w, int32_t c, int32_t out_h, int32_t out_w,
                                     const int8_t* y_steps, const int8_t* x_steps) {
  for (int32_t y = 0; y < out_h; y++) {
    in += y_steps[y] * in_w * c;
    const int8_t* pixel = in;
    for (int32_t x = 0; x < out_w; x++, out += c) {
      pixel += x_steps[x] * c;
      tuco_copy(out, pixel, (size_t)c);
    }
  }
}

#endif
