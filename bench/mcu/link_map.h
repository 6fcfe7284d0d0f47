// Reads the map file of GNU ld: what lies in an image, and from which object it came.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tuco::bench {

/// A stretch of an output section: an input section, or what fills the gap before the next one.
struct Placed {
  /// The output section (".text"), the input section (".rodata.model_weight_3"; "*fill*" for a gap)
  /// and the object, or the archive with its member in parentheses. A gap has the object of the
  /// section behind it, which asks for the alignment.
  std::string output, input, object;
  uint64_t size = 0;
};

/// All that takes bytes in the sections .text, .ARM.exidx, .data, .stack and .bss, in the order of
/// addresses. The sizes are those after the linker has shortened calls. Throws std::runtime_error
/// if an output section is not filled by its stretches, to the byte.
std::vector<Placed> read_link_map(std::string_view text);

}  // namespace tuco::bench
