// Device: where a tensor's bytes lie and where its operations run.
#pragma once
#include <fmt/core.h>

#include <string>
#include <string_view>

namespace tuco {

/// A CPU or a CUDA device; a plain value.
struct Device {
  enum class Kind : unsigned char { cpu, cuda };
  Kind kind = Kind::cpu;
  /// Which of several devices of the kind; always 0 for the CPU.
  int index = 0;

  static constexpr Device cpu() { return {}; }
  static constexpr Device cuda(int index = 0) { return {Kind::cuda, index}; }

  /// What to_string gives, and "cuda" for the first one. Throws DeviceError for other texts.
  static Device parse(std::string_view text);

  friend bool operator==(const Device&, const Device&) = default;
  /// "cpu" or "cuda:0".
  std::string to_string() const {
    return kind == Kind::cpu ? "cpu" : fmt::format("cuda:{}", index);
  }
};

}  // namespace tuco

template <>
struct fmt::formatter<tuco::Device> : fmt::formatter<std::string_view> {
  template <class Context>
  auto format(const tuco::Device& device, Context& context) const {
    return fmt::formatter<std::string_view>::format(device.to_string(), context);
  }
};
