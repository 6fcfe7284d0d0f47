// The product of two tensors. The factor is a_scale * b_scale / out_scale.
#ifndef TUCO_RUNTIME_MUL_H
#define TUCO_RUNTIME_MUL_H

#include "broadcast.h"
#include "requantize.h"

typedef struct {
  int32_t a_zero_point, b_zero_point;
  int32_t out_zero_point, multiplier, shift;
  int32_t low, high;  // the activation's range in int8
  int32_t rounding;   // TUCO_DOUBLE_ROUNDING or TUCO_SINGLE_ROUNDING
} tuco_multiplication;

// a * b.
TUCO_INLINE int8_t tuco_product(int8_t a, int8_t b, const tuco_multiplication* p) {
  const int32_t x = a - p->a_zero_point, y = b - p->b_zero_point;
  const int32_t product = tuco_scaled(x * y, p->multiplier, p->shift, p->rounding);
  return (int8_t)tuco_clamped(product + p->out_zero_point, p->low, p->high);
}

// out = a * b of operands that broadcast; out may be an operand of its size.
TUCO_KERNEL void tuco_multiply(int8_t* out, const int8_t* a, const int8_t* b,
                               const tuco_broadcast* g, const tuco_multiplication* p) {
  tuco_run run = {{0, 0, 0}, 0, 0};
  for (int32_t k = tuco_runs(g); k > 0; k--, out += g->size[3], tuco_next_run(g, &run))
    for (int32_t i = 0; i < g->size[3]; i++)
      out[i] = tuco_product(a[run.a + i * g->a_step[3]], b[run.b + i * g->b_step[3]], p);
}

#endif
