// Walking over tensors of any strides on the device, an element a thread. For both compilers.
#pragma once
#include <cstdint>

#include "tuco/core/host_device.h"

namespace tuco::cuda {

/// Division of numbers below 2^31 by a constant, as a product and a shift (Granlund and Montgomery,
/// "Division by invariant integers using multiplication", PLDI 1994): a device takes some twenty
/// instructions to divide.
struct Divider {
  Divider() = default;
  explicit Divider(uint32_t d) : divisor(d) {
    while (shift < 31 && (uint32_t{1} << shift) < divisor) ++shift;
    multiplier = static_cast<uint32_t>(
        ((uint64_t{1} << 32) * ((uint64_t{1} << shift) - divisor)) / divisor + 1);
  }
  TUCO_HOST_DEVICE uint32_t divide(uint32_t n) const {
    const auto high = static_cast<uint32_t>((uint64_t{n} * multiplier) >> 32);
    return (high + n) >> shift;
  }
  uint32_t divisor = 1, multiplier = 1, shift = 0;
};

/// The elements of a common shape in N layouts, counted row-major; fewer than 2^31 of them.
template <int N>
struct Strided {
  static constexpr int kMaxDims = 8;
  struct Offsets {
    int64_t at[N];
  };

  /// Where element i lies in each layout, in elements from the pointers that go with them.
  TUCO_HOST_DEVICE Offsets operator()(int64_t i) const {
    Offsets offsets{};
    auto rest = static_cast<uint32_t>(i);
    for (int d = rank - 1; d > 0; --d) {
      const uint32_t quotient = size[d].divide(rest);
      const uint32_t index = rest - quotient * size[d].divisor;
      for (int k = 0; k < N; ++k) offsets.at[k] += index * stride[k][d];
      rest = quotient;
    }
    for (int k = 0; k < N; ++k) offsets.at[k] += rest * stride[k][0];
    return offsets;
  }

  int rank = 1;
  int64_t count = 0;
  Divider size[kMaxDims];
  int64_t stride[N][kMaxDims] = {};
};

}  // namespace tuco::cuda
