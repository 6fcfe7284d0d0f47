// ReLU with slopes: from 0 on a tensor as it is, below its product with another.
#ifndef TUCO_RUNTIME_PRELU_H
#define TUCO_RUNTIME_PRELU_H

#include "broadcast.h"
#include "requantize.h"

// The factors are a_scale / out_scale above, and a_scale * b_scale / out_scale below.
typedef struct {
  int32_t a_zero_point, b_zero_point, out_zero_point;
  int32_t above_multiplier, above_shift, below_multiplier, below_shift;
  int32_t rounding;  // TUCO_DOUBLE_ROUNDING or TUCO_SINGLE_ROUNDING
} tuco_rectification;

// a from 0 on, a * b below.
TUCO_INLINE int8_t tuco_rectified(int8_t a, int8_t b, const tuco_rectification* p) {
  const int32_t x = a - p->a_zero_point, slope = b - p->b_zero_point;
  const int32_t y = x >= 0
                        ? tuco_scaled(x, p->above_multiplier, p->above_shift, p->rounding)
                        : tuco_scaled(x * slope, p->below_multiplier, p->below_shift, p->rounding);
  return (int8_t)tuco_clamped(y + p->out_zero_point, -128, 127);
}

// out = a from 0 on, a * b below, of operands that broadcast; out may be an operand of its size.
TUCO_KERNEL void tuco_prelu(int8_t* out, const int8_t* a, const int8_t* b, const tuco_broadcast* g,
                            const tuco_rectification* p) {
  tuco_run run = {{0, 0, 0}, 0, 0};
  for (int32_t k = tuco_runs(g); k > 0; k--, out += g->size[3], tuco_next_run(g, &run))
    for (int32_t i = 0; i < g->size[3]; i++)
      out[i] = tuco_rectified(a[run.a + i * g->a_step[3]], b[run.b + i * g->b_step[3]], p);
}

#endif
