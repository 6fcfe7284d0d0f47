#include "tuco/core/device.h"

#include <charconv>

#include "tuco/core/error.h"

namespace tuco {

Device Device::parse(std::string_view text) {
  if (text == "cpu") return cpu();
  if (text == "cuda") return cuda();
  constexpr std::string_view kPrefix = "cuda:";
  if (text.starts_with(kPrefix)) {
    const std::string_view digits = text.substr(kPrefix.size());
    int index = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), index);
    if (error == std::errc() && end == digits.data() + digits.size() && index >= 0)
      return cuda(index);
  }
  fail<DeviceError>("\"{}\" is no device: expected cpu, cuda, or cuda: and a number", text);
}

}  // namespace tuco
