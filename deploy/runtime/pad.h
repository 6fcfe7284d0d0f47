// Padding of an image on its sides and in its channels with a constant; scale and zero point stay.
#ifndef TUCO_RUNTIME_PAD_H
#define TUCO_RUNTIME_PAD_H

#include "memory.h"

// out (top + h + bottom, left + w + right, before + c + after) = in (h, w, c) with `value` around
// it, which is the zero point where the real value is 0. out does not overlap in.
TUCO_KERNEL void tuco_pad(int8_t* TUCO_RESTRICT out, const int8_t* TUCO_RESTRICT in, int32_t h,
                          int32_t w, int32_t c, int32_t top, int32_t bottom, int32_t left,
                          int32_t right, int32_t before, int32_t after, int32_t value) {
  const int32_t cell = before + c + after, row = (left + w + right) * cell;
  tuco_fill(out, (int8_t)value, (size_t)((top + h + bottom) * row));
  for (int32_t y = 0; y < h; y++)
    for (int32_t x = 0; x < w; x++)
      tuco_copy(out + (top + y) * row + (left + x) * cell + before, in + (y * w + x) * c,
                (size_t)c);
}

#endif
