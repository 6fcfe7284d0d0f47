// The text of the C runtime for devices (deploy/runtime/), which the build embeds in the library:
// whoever generates C pastes the files that his model uses.
#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tuco::deploy {

/// A header of deploy/runtime/: its name ("conv2d.h") and its whole text.
struct RuntimeFile {
  std::string_view name;
  std::string_view text;
};

/// All headers of the runtime, by name.
std::span<const RuntimeFile> runtime_files();

/// The names of the headers that `file` includes from the runtime itself, in order.
std::vector<std::string_view> runtime_includes(const RuntimeFile& file);

/// The text of the wanted headers ("conv2d.h", ...) and of those that they include, each once and
/// after what it includes, without the lines that include one another. Throws UnsupportedOp for a
/// name that is not there.
std::string runtime_text(std::span<const std::string_view> wanted);

}  // namespace tuco::deploy
