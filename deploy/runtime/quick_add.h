// Addition of two tensors of different scales, as add.h has it, in few instructions: rounded twice,
// for factors whose shift is at least one to the right.
#ifndef TUCO_RUNTIME_QUICK_ADD_H
#define TUCO_RUNTIME_QUICK_ADD_H

#include "finish.h"
#include "requantize.h"

// *_right is from 1 to 31, and *_left one more than in add.h, 21. The factor 1/2 of an input, whose
// shift is 0, is given as 2^30 with 22 and 1, which comes to the same.
typedef struct {
  int32_t a_multiplier, b_multiplier, out_multiplier;
  int16_t a_zero_point, b_zero_point, out_zero_point;
  int8_t a_left, b_left, a_right, b_right, out_right;
} tuco_quick_addition;

// out[i] = a[i] + b[i]; out may be a or b.
TUCO_KERNEL void tuco_quick_add(int8_t* out, const int8_t* a, const int8_t* b, int32_t size,
                                const tuco_quick_addition* p, int32_t low, int32_t high) {
  const int32_t a_zero_point = p->a_zero_point, b_zero_point = p->b_zero_point;
  const int32_t a_left = p->a_left, b_left = p->b_left;
  for (const int8_t* const end = a + size; a != end; a++, b++) {
    const int32_t x = tuco_finished(tuco_wrapping_shift(*a - a_zero_point, a_left), p->a_multiplier,
                                    p->a_right, 0);
    const int32_t y = tuco_finished(tuco_wrapping_shift(*b - b_zero_point, b_left), p->b_multiplier,
                                    p->b_right, x);
    const int32_t sum = tuco_finished(2 * y, p->out_multiplier, p->out_right, p->out_zero_point);
    *out++ = tuco_bounded(sum, low, high);
  }
}

#endif
