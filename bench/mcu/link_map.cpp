#include "tuco/bench/mcu/link_map.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <sstream>
#include <stdexcept>

namespace tuco::bench {
namespace {

constexpr std::array<std::string_view, 5> kOutputs = {".text", ".ARM.exidx", ".data", ".stack",
                                                      ".bss"};

/// The words of a line. A name that is too long for its column stands on a line of its own.
struct Entry {
  std::string name, object;
  uint64_t size = 0;
};

Entry entry_of(std::istringstream words, std::istream& lines) {
  Entry entry;
  words >> entry.name;
  std::string address, size;
  if (!(words >> address)) {
    std::string next;
    std::getline(lines, next);
    words = std::istringstream(next);
    words >> address;
  }
  // An output section without contents has neither.
  if (!(words >> size)) return entry;
  entry.size = std::stoull(size, nullptr, 16);
  std::getline(words >> std::ws, entry.object);
  return entry;
}

void check_filled(std::string_view output, uint64_t size, uint64_t filled) {
  if (size != filled)
    throw std::runtime_error(fmt::format(
        "the linker's map gives {} {} bytes, and what lies in it {}", output, size, filled));
}

}  // namespace

std::vector<Placed> read_link_map(std::string_view text) {
  const size_t begin = text.find("Linker script and memory map");
  if (begin == std::string_view::npos) throw std::runtime_error("this is not a map of GNU ld");
  std::istringstream lines{std::string(text.substr(begin))};
  std::vector<Placed> placed;
  std::string line, output;
  uint64_t output_size = 0, filled = 0;
  size_t gap = SIZE_MAX;  // the last stretch, if it is a gap
  while (std::getline(lines, line) && !line.starts_with("OUTPUT(")) {
    if (!line.empty() && line[0] == '.') {
      check_filled(output, output_size, filled);
      const Entry entry = entry_of(std::istringstream(line), lines);
      const bool wanted = std::ranges::find(kOutputs, entry.name) != kOutputs.end();
      output = wanted ? entry.name : "";
      output_size = wanted ? entry.size : 0;
      filled = 0;
      gap = SIZE_MAX;
    } else if (!output.empty() && line.size() > 1 && line[0] == ' ' &&
               (line[1] == '.' || line.starts_with(" *fill*") || line.starts_with(" COMMON"))) {
      Entry entry = entry_of(std::istringstream(line), lines);
      if (entry.size == 0) continue;
      filled += entry.size;
      if (gap != SIZE_MAX) placed[gap].object = entry.object;
      gap = entry.name == "*fill*" ? placed.size() : SIZE_MAX;
      if (gap != SIZE_MAX) entry.object.clear();
      placed.push_back({output, std::move(entry.name), std::move(entry.object), entry.size});
    }
  }
  check_filled(output, output_size, filled);
  return placed;
}

}  // namespace tuco::bench
