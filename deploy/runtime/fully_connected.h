// Fully connected layer: weights are (out_c, in_c), the bias is as in conv2d.h: not folded, and
// may be folded by a caller who passes 0 as the input's zero point.
#ifndef TUCO_RUNTIME_FULLY_CONNECTED_H
#define TUCO_RUNTIME_FULLY_CONNECTED_H

#include "dot.h"
#include "requantize.h"

// out (rows, out_c) from in (rows, in_c); bias has out_c values or is null. out overlaps nothing.
TUCO_KERNEL void tuco_fully_connected(int8_t* TUCO_RESTRICT out, const int8_t* TUCO_RESTRICT in,
                                      const int8_t* TUCO_RESTRICT weights, const int32_t* bias,
                                      int32_t rows, int32_t in_c, int32_t out_c,
                                      int32_t in_zero_point, const tuco_requantization* r) {
  const int32_t blocked = out_c / 4 * 4;  // channels done by fours
  for (int32_t row = 0; row < rows; row++, in += in_c) {
    for (int32_t c = 0; c < blocked; c += 4) {
      int32_t sum[4] = {0, 0, 0, 0};
      tuco_dot4(sum, in, in_zero_point, weights + c * in_c, in_c, in_c);
      for (int32_t k = 0; k < 4; k++)
        *out++ = tuco_requantized(r, sum[k] + (bias ? bias[c + k] : 0), c + k);
    }
    for (int32_t c = blocked; c < out_c; c++)
      *out++ = tuco_requantized(
          r, tuco_dot1(bias ? bias[c] : 0, in, in_zero_point, weights + c * in_c, in_c), c);
  }
}

#endif
