// The frame of Tuco's pages of HTML: one style for light and dark, wide screens and phones, and
// nothing that is loaded from elsewhere.
#pragma once
#include <string>

namespace tuco::tools {

/// All before a page's first section. `title` is that of the window; both and `words` are plain
/// text.
std::string page_begin(const std::string& title, const std::string& heading,
                       const std::string& words);
/// A card. All three are HTML.
std::string page_section(const std::string& title, const std::string& words,
                         const std::string& content);
/// A figure with what it is, both HTML, for a <div class="tiles">.
std::string page_tile(const std::string& value, const std::string& name);
std::string page_end();

}  // namespace tuco::tools
