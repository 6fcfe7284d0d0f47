// The page of `tuco compile --report FILE.html`: the figures, the boards, the memory plan as a
// picture, and every layer.
#pragma once
#include <string>

#include "tuco/deploy/device_report.h"

namespace tuco::tools {

/// The report as one file of HTML that needs no other.
std::string to_html(const deploy::DeviceReport& report);

/// The memory plan as SVG: a column for each layer, one before and one behind them, and the bytes
/// of the arena upwards; each value is a rectangle over the layers during which it is there.
std::string memory_picture(const deploy::DeviceReport& report);

}  // namespace tuco::tools
