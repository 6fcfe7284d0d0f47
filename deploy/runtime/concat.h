// Concatenation along any axis; all parts and the result share scale and zero point.
#ifndef TUCO_RUNTIME_CONCAT_H
#define TUCO_RUNTIME_CONCAT_H

#include "memory.h"

// Copies one part, seen as (outer, part), to the columns from `offset` on of out (outer, whole).
TUCO_KERNEL void tuco_concat(int8_t* TUCO_RESTRICT out, const int8_t* TUCO_RESTRICT in,
                             int32_t outer, int32_t part, int32_t whole, int32_t offset) {
  for (int32_t o = 0; o < outer; o++)
    tuco_copy(out + o * whole + offset, in + o * part, (size_t)part);
}

#endif
