// Addition of two tensors of different scales, as add.h has it, in few instructions: rounded twice,
// for factors whose shift is at least one to the right.
#ifndef TUCO_RUNTIME_QUICK_ADD_H
#define TUCO_RUNTIME_QUICK_ADD_H

#include "helium.h"
#include "requantize.h"

// *_right is from 1 to 31, and *_left one more than in add.h, 21. The factor 1/2 of an input, whose
// shift is 0, is given as 2^30 with 22 and 1, which comes to the same.
typedef struct {
  int32_t a_multiplier, b_multiplier, out_multiplier;
  int16_t a_zero_point, b_zero_point, out_zero_point;
  int8_t a_left, b_left, a_right, b_right, out_right;
} tuco_quick_addition;

#if TUCO_HELIUM
// Four sums, from inputs less their zero points.
TUCO_INLINE int32x4_t tuco_quick_sums(int32x4_t a, int32x4_t b, const tuco_quick_addition* p) {
  a = tuco_finished_values(vshlq_r_s32(a, p->a_left - 1), p->a_multiplier, p->a_right);
  b = tuco_finished_values(vshlq_r_s32(b, p->b_left - 1), p->b_multiplier, p->b_right);
  return tuco_finished_values(vaddq_s32(a, b), p->out_multiplier, p->out_right);
}
#endif

// out[i] = a[i] + b[i]; out may be a or b.
TUCO_KERNEL void tuco_quick_add(int8_t* out, const int8_t* a, const int8_t* b, int32_t size,
                                const tuco_quick_addition* p, int32_t low, int32_t high) {
  const int32_t a_zero_point = p->a_zero_point, b_zero_point = p->b_zero_point;
#if TUCO_HELIUM
  const tuco_quick_addition factors = *p;  // which no store of outputs can change
  for (int32_t left = size; left > 0; left -= 8, a += 8, b += 8, out += 8) {
    const mve_pred16_t there = vctp16q((uint32_t)left);
    const int16x8_t as = vsubq_n_s16(vldrbq_z_s16(a, there), (int16_t)a_zero_point);
    const int16x8_t bs = vsubq_n_s16(vldrbq_z_s16(b, there), (int16_t)b_zero_point);
    const int32x4_t even = tuco_quick_sums(vmovlbq_s16(as), vmovlbq_s16(bs), &factors);
    const int32x4_t odd = tuco_quick_sums(vmovltq_s16(as), vmovltq_s16(bs), &factors);
    vstrbq_p_s16(out, tuco_bounded_values(even, odd, factors.out_zero_point, low, high), there);
  }
#else
  const int32_t a_left = p->a_left, b_left = p->b_left;
  for (const int8_t* const end = a + size; a != end; a++, b++) {
    const int32_t x = tuco_finished(tuco_wrapping_shift(*a - a_zero_point, a_left), p->a_multiplier,
                                    p->a_right, 0);
    const int32_t y = tuco_finished(tuco_wrapping_shift(*b - b_zero_point, b_left), p->b_multiplier,
                                    p->b_right, x);
    const int32_t sum = tuco_finished(2 * y, p->out_multiplier, p->out_right, p->out_zero_point);
    *out++ = tuco_bounded(sum, low, high);
  }
#endif
}

#endif
