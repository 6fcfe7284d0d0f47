// Microcontroller boards that reports estimate for: their memory, their clock, how many cycles
// their cores take for an instruction, and how much energy a cycle takes. Where each figure comes
// from is in docs/estimates.md and, for the energy, beside it.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace tuco::deploy {

/// A number that is not below zero with three digits that count: "0.0123", "12.3", "1,234".
std::string figure(double value);

/// A figure that is not known exactly: the likely value, and a range that is meant to hold the true
/// one.
struct Estimate {
  double low = 0, typical = 0, high = 0;
  /// "12.3 (10.1 to 1,560)".
  std::string to_string() const;
  /// The quantity times an exact number.
  Estimate operator*(double factor) const {
    return {low * factor, typical * factor, high * factor};
  }
  /// The product of two quantities, both as low, or both as high, as they may be.
  Estimate operator*(const Estimate& other) const {
    return {low * other.low, typical * other.typical, high * other.high};
  }
};

/// Cores whose instructions differ, or their cycles.
enum class Core { kCortexM0Plus, kCortexM4, kCortexM7, kCortexM33, kCortexM55, kRv32imc };
/// "cortex-m4".
std::string_view name(Core core);
/// All cores, in the order of their numbers.
std::span<const Core> cores();

/// A board, or a chip where there is no board in particular.
struct DeviceBoard {
  std::string_view name, chip;
  Core core;
  double megahertz;
  /// Bytes of flash, and of the largest piece of RAM that an arena can lie in.
  int64_t flash_bytes, ram_bytes;
  /// With instructions and constants in flash, and the arena in RAM.
  Estimate cycles_per_instruction;
  /// Of the chip, while its core runs.
  Estimate picojoules_per_cycle;
  std::string_view energy_source;
};

/// The boards, in the order of the reports.
std::span<const DeviceBoard> device_boards();

}  // namespace tuco::deploy
