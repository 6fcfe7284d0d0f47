// The report on an int8 model for microcontrollers: what each of its layers and all of it cost in
// flash, in RAM, in instructions, and what that is in time and energy on a table of boards. Sizes
// of constants and of the arena are exact; instructions and code are estimates, or measured in an
// emulator where the caller has measures; time and energy are always estimates with a range.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "tuco/deploy/device_cost.h"

namespace tuco::deploy {

/// One layer of the generated program.
struct DeviceLayer {
  /// The node's op and module: "conv2d features.3".
  std::string name;
  /// For one image.
  Shape input, output;
  /// The kernel, as the runtime names it, and what it is given.
  KernelWork work;
  int64_t products = 0;
  ConstantBytes constants;
  /// Bytes of the arena that hold something while the layer runs, its scratch memory included; and
  /// that scratch memory.
  int64_t live_bytes = 0, scratch_bytes = 0;
};

/// What a core takes for one run.
struct CoreCost {
  Core core = Core::kCortexM4;
  /// Whether the program ran in an emulator; else all is estimated.
  bool measured = false;
  /// With the range of the model, none where they were measured.
  Estimate instructions;
  /// By layer; 0 for those without a kernel.
  std::vector<double> layers;
  /// Bytes of code in flash (at -O2), and of stack.
  int64_t code_bytes = 0, stack_bytes = 0;
};

/// A stretch of the arena that is taken during the layers `first` to `last`; -1 and the number of
/// layers stand for the times before and after a run.
struct PlannedPlace {
  std::string name;
  int64_t offset = 0, size = 0;
  int first = 0, last = 0;
  bool scratch = false;
  /// The place, by its index, that this one overlaps: that of the input over which its kernel may
  /// write, in the last layer that reads it; strips do so in several layers, over the rows that are
  /// done. -1: none.
  int over = -1;
};

/// What a run takes on a board.
struct BoardEstimate {
  DeviceBoard board;
  bool measured = false;
  /// Constants and code; arena and stack. The rest of the firmware comes on top.
  int64_t flash_bytes = 0, ram_bytes = 0;
  Estimate cycles, milliseconds, millijoules;
  /// The likely time of each layer.
  std::vector<double> layer_milliseconds;
  bool fits() const { return flash_bytes <= board.flash_bytes && ram_bytes <= board.ram_bytes; }
};

/// Everything that is reported.
struct DeviceReport {
  std::string name;
  std::vector<DeviceLayer> layers;
  std::vector<PlannedPlace> places;
  /// One for each of cores().
  std::vector<CoreCost> cores;
  std::vector<BoardEstimate> boards;
  ConstantBytes constants;
  int64_t products = 0, arena_bytes = 0, arena_lower_bound = 0, input_bytes = 0, output_bytes = 0;
  /// What could not be measured, for people.
  std::vector<std::string> notes;

  const CoreCost& cost(Core core) const;
  /// As tables for people.
  std::string to_text() const;
  /// For programs.
  std::string to_json() const;
};

/// Reports on the program that generate_c makes of the model with these options. `measured` has what was measured of
/// it, at most once for a core, with an entry for each layer; the other cores are estimated. Throws
/// as generate_c does, and Error for measures with another number of layers.
DeviceReport make_device_report(const QuantizedModel& model, const std::string& name,
                                const std::vector<CoreCost>& measured = {},
                                const DeviceOptions& options = {});

}  // namespace tuco::deploy
