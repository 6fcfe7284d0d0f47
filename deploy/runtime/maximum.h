// The larger and the smaller of two tensors that share scale and zero point, with the result.
#ifndef TUCO_RUNTIME_MAXIMUM_H
#define TUCO_RUNTIME_MAXIMUM_H

#include "broadcast.h"

// The larger, or the smaller where `smaller` is 1, of operands that broadcast.
TUCO_INLINE void tuco_choose(int8_t* out, const int8_t* a, const int8_t* b, const tuco_broadcast* g,
                             int32_t smaller) {
  tuco_run run = {{0, 0, 0}, 0, 0};
  for (int32_t k = tuco_runs(g); k > 0; k--, out += g->size[3], tuco_next_run(g, &run))
    for (int32_t i = 0; i < g->size[3]; i++) {
      const int8_t x = a[run.a + i * g->a_step[3]], y = b[run.b + i * g->b_step[3]];
      out[i] = (x < y) == (smaller != 0) ? x : y;
    }
}

// out may be an operand of its size.
TUCO_KERNEL void tuco_maximum(int8_t* out, const int8_t* a, const int8_t* b,
                              const tuco_broadcast* g) {
  tuco_choose(out, a, b, g, 0);
}
TUCO_KERNEL void tuco_minimum(int8_t* out, const int8_t* a, const int8_t* b,
                              const tuco_broadcast* g) {
  tuco_choose(out, a, b, g, 1);
}

#endif
