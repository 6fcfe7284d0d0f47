#include "tuco/deploy/runtime_text.h"

#include <algorithm>

#include "tuco/core/error.h"

namespace tuco::deploy {
namespace {

constexpr std::string_view kInclude = "#include \"";

// Calls visit(line) for each line of the text, its end included.
template <class Visit>
void for_each_line(std::string_view text, Visit visit) {
  while (!text.empty()) {
    const std::string_view line = text.substr(0, std::min(text.find('\n'), text.size() - 1) + 1);
    visit(line);
    text.remove_prefix(line.size());
  }
}

const RuntimeFile& runtime_file(std::string_view name) {
  const auto files = runtime_files();
  const auto found = std::ranges::find(files, name, &RuntimeFile::name);
  require<UnsupportedOp>(found != files.end(), "the device runtime has no file {}", name);
  return *found;
}

struct Collector {
  std::vector<std::string_view> done;
  std::string text;

  // Headers include one another without cycles, as they must to compile.
  void add(std::string_view name) {
    if (std::ranges::find(done, name) != done.end()) return;
    const RuntimeFile& file = runtime_file(name);
    for (std::string_view included : runtime_includes(file)) add(included);
    done.push_back(file.name);
    if (!text.empty()) text += '\n';
    for_each_line(file.text, [&](std::string_view line) {
      if (!line.starts_with(kInclude)) text += line;
    });
  }
};

}  // namespace

std::vector<std::string_view> runtime_includes(const RuntimeFile& file) {
  std::vector<std::string_view> names;
  for_each_line(file.text, [&](std::string_view line) {
    if (!line.starts_with(kInclude)) return;
    line.remove_prefix(kInclude.size());
    names.push_back(line.substr(0, line.find('"')));
  });
  return names;
}

std::string runtime_text(std::span<const std::string_view> wanted) {
  Collector collector;
  for (std::string_view name : wanted) collector.add(name);
  return std::move(collector.text);
}

}  // namespace tuco::deploy
