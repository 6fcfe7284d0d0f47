// What batch normalisation, ReLU and max pooling in one leave for their gradient; for every device.
#pragma once
#include <cstdint>

namespace tuco {

/// The winner of a window whose maximum ReLU cut to 0: its gradient goes nowhere. Other winners are
/// cells of windows, of which there are at most 255.
inline constexpr uint8_t kCutByRelu = 255;

}  // namespace tuco
