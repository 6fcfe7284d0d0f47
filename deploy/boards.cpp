#include "tuco/deploy/boards.h"

#include <fmt/format.h>

#include <cmath>

#include "tuco/core/text.h"

namespace tuco::deploy {
namespace {

constexpr int64_t kKilobyte = 1024, kMegabyte = 1024 * kKilobyte;

constexpr Core kCores[] = {Core::kCortexM0Plus, Core::kCortexM4,  Core::kCortexM7,
                           Core::kCortexM33,    Core::kCortexM55, Core::kRv32imc};

constexpr DeviceBoard kBoards[] = {
    {"Arduino Nano 33 BLE",
     "nRF52840",
     Core::kCortexM4,
     64,
     kMegabyte,
     256 * kKilobyte,
     {1.3, 1.5, 1.85},
     {140, 156, 300},
     "data sheet: 3.3 mA at 3 V with the DC/DC converter (52 uA/MHz), 6.3 mA without"},
    {"NUCLEO-L4R5ZI",
     "STM32L4R5",
     Core::kCortexM4,
     120,
     2 * kMegabyte,
     640 * kKilobyte,
     {1.3, 1.5, 2.0},
     {275, 340, 365},
     "the energy and the times that were submitted to MLPerf Tiny"},
    {"NUCLEO-U385RG-Q",
     "STM32U385",
     Core::kCortexM33,
     96,
     kMegabyte,
     256 * kKilobyte,
     {1.1, 1.2, 1.6},
     {45, 55, 80},
     "the energy and the times that were submitted to MLPerf Tiny"},
    {"NUCLEO-H743ZI2",
     "STM32H743",
     Core::kCortexM7,
     480,
     2 * kMegabyte,
     512 * kKilobyte,
     {0.75, 0.95, 1.4},
     {700, 910, 1300},
     "the maker's 275 uA/MHz with peripherals off, at 3.3 V; not measured"},
    {"Raspberry Pi Pico",
     "RP2040",
     Core::kCortexM0Plus,
     133,
     2 * kMegabyte,
     264 * kKilobyte,
     {1.25, 1.45, 2.5},
     {300, 500, 750},
     "the data sheet has no figure for a busy core: some 20 mA at 3.3 V are taken; not measured"},
    {"ESP32-C3-DevKitM-1",
     "ESP32-C3",
     Core::kRv32imc,
     160,
     4 * kMegabyte,
     400 * kKilobyte,
     {1.05, 1.35, 2.0},
     {410, 475, 850},
     "data sheet: 23 mA at 3.3 V, radio off, CPU running; boards measure up to 41 mA"},
    {"Alif Ensemble E3 (HE core)",
     "AE302",
     Core::kCortexM55,
     160,
     5632 * kKilobyte,
     256 * kKilobyte,
     {0.9, 1.1, 1.5},
     {50, 75, 200},
     "the maker's 22 uA/MHz at 3.3 V, from tightly coupled memory; not measured"},
};

}  // namespace

std::string figure(double value) {
  if (value >= 99.95) return grouped(std::llround(value));
  return fmt::format("{:.{}f}", value,
                     value >= 9.995     ? 1
                     : value >= 0.9995  ? 2
                     : value >= 0.09995 ? 3
                                        : 4);
}

std::string Estimate::to_string() const {
  return fmt::format("{} ({} to {})", figure(typical), figure(low), figure(high));
}

std::string_view name(Core core) {
  switch (core) {
    case Core::kCortexM0Plus:
      return "cortex-m0plus";
    case Core::kCortexM4:
      return "cortex-m4";
    case Core::kCortexM7:
      return "cortex-m7";
    case Core::kCortexM33:
      return "cortex-m33";
    case Core::kCortexM55:
      return "cortex-m55";
    case Core::kRv32imc:
      return "rv32imc";
  }
  return "";
}

std::span<const Core> cores() { return kCores; }
std::span<const DeviceBoard> device_boards() { return kBoards; }

}  // namespace tuco::deploy
