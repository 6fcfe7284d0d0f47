// From an element type to an unsigned one of its size, for kernels that only move elements.
#pragma once
#include <cstdint>

#include "tuco/core/dtype.h"

namespace tuco {

/// Calls f with an unsigned type of the size of dtype's elements.
template <class F>
void dispatch_size(DType dtype, F&& f) {
  switch (size_of(dtype)) {
    case 1:
      return f.template operator()<uint8_t>();
    case 2:
      return f.template operator()<uint16_t>();
    case 4:
      return f.template operator()<uint32_t>();
    default:
      return f.template operator()<uint64_t>();
  }
}

}  // namespace tuco
