// How int32 sums become int8 on the device. For .cu files.
#pragma once
#include "tuco/devices/cuda/quantized_kernels.h"

namespace tuco::cuda {

/// Any multiplier in either rounding, zero point and range included.
TUCO_INLINE int8_t requantized(int32_t sum, int32_t multiplier, int32_t shift, const QOutput& out) {
  constexpr int32_t kLimit = 1 << 30;  // far beyond int8, and the zero point can be added
  const int32_t scaled = tuco_scaled(sum, multiplier, shift, out.rounding);
  return static_cast<int8_t>(
      tuco_clamped(tuco_clamped(scaled, -kLimit, kLimit) + out.zero_point, out.low, out.high));
}

}  // namespace tuco::cuda
