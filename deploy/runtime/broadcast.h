// Operands that broadcast: runs along the last of four dimensions, one after another.
#ifndef TUCO_RUNTIME_BROADCAST_H
#define TUCO_RUNTIME_BROADCAST_H

#include "base.h"

// The result's sizes, and how far each operand moves in its memory along them: 0 where it stands
// still. What needs fewer dimensions has sizes of 1 in front.
typedef struct {
  int32_t size[4], a_step[4], b_step[4];
} tuco_broadcast;

// The run that is computed: its place along the first three dimensions, and in the operands.
typedef struct {
  int32_t at[3], a, b;
} tuco_run;

// How many runs there are.
TUCO_INLINE int32_t tuco_runs(const tuco_broadcast* g) {
  return g->size[0] * g->size[1] * g->size[2];
}

// Moves on to the next run.
TUCO_INLINE void tuco_next_run(const tuco_broadcast* g, tuco_run* run) {
  for (int32_t d = 2; d >= 0; d--) {
    run->a += g->a_step[d];
    run->b += g->b_step[d];
    if (++run->at[d] < g->size[d]) return;
    run->a -= g->a_step[d] * g->size[d];
    run->b -= g->b_step[d] * g->size[d];
    run->at[d] = 0;
  }
}

#endif
