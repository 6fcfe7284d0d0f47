// From one element type to another, also where C++ leaves the result undefined; for every device.
#pragma once
#include <limits>
#include <type_traits>

#include "tuco/core/host_device.h"

namespace tuco {

/// Floating to integer truncates; NaN becomes 0, and what does not fit becomes the nearest that does.
template <class To, class From>
TUCO_HOST_DEVICE constexpr To convert(From value) {
  if constexpr (std::is_same_v<To, bool>) {
    return value != From{0};
  } else if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) {
    if (value != value) return 0;
    if (value <= static_cast<From>(std::numeric_limits<To>::min()))
      return std::numeric_limits<To>::min();
    if (value >= static_cast<From>(std::numeric_limits<To>::max()))
      return std::numeric_limits<To>::max();
    return static_cast<To>(value);
  } else {
    return static_cast<To>(value);
  }
}

}  // namespace tuco
