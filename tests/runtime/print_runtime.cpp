// Prints the text of the whole device runtime, as a generator of C pastes it.
#include <cstdio>

#include "tuco/deploy/runtime_text.h"

int main() {
  std::vector<std::string_view> names;
  for (const tuco::deploy::RuntimeFile& file : tuco::deploy::runtime_files())
    names.push_back(file.name);
  const std::string text = tuco::deploy::runtime_text(names);
  return std::fwrite(text.data(), 1, text.size(), stdout) == text.size() ? 0 : 1;
}
