// Any point-wise function, as a table of what it gives.
#ifndef TUCO_RUNTIME_LOOKUP_H
#define TUCO_RUNTIME_LOOKUP_H

#include "base.h"

// out[i] = table[in[i] + 128]; out may be in.
TUCO_KERNEL void tuco_lookup(int8_t* out, const int8_t* in, int32_t size, const int8_t* table) {
  for (int32_t i = 0; i < size; i++) out[i] = table[in[i] + 128];
}

#endif
