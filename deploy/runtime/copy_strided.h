// Slices, transpositions and other views of a tensor as dense copies.
#ifndef TUCO_RUNTIME_COPY_STRIDED_H
#define TUCO_RUNTIME_COPY_STRIDED_H

#include "memory.h"

// The view's sizes, and how far its elements are from each other in memory. What needs fewer
// dimensions has sizes of 1 in front.
typedef struct {
  int32_t size[4], step[4];
} tuco_strides;

// out = the view that begins at `in`; they do not overlap.
TUCO_KERNEL void tuco_copy_strided(int8_t* TUCO_RESTRICT out, const int8_t* TUCO_RESTRICT in,
                                   const tuco_strides* g) {
  for (int32_t i = 0; i < g->size[0]; i++)
    for (int32_t j = 0; j < g->size[1]; j++)
      for (int32_t k = 0; k < g->size[2]; k++, out += g->size[3]) {
        const int8_t* run = in + i * g->step[0] + j * g->step[1] + k * g->step[2];
        if (g->step[3] == 1)
          tuco_copy(out, run, (size_t)g->size[3]);
        else
          for (int32_t l = 0; l < g->size[3]; l++) out[l] = run[l * g->step[3]];
      }
}

#endif
