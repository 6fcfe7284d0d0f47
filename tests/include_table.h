// The rules that hold for the files of the repository: who may include whom, how long a file may
// be, and what no file may name. The test in include_table_test.cpp applies them to every file.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace tuco::rules {

/// One file that breaks a rule.
struct Violation {
  /// The path from the repository's root, with / between folders.
  std::string file;
  /// Counted from 1; 0 when the rule is about the whole file.
  int line = 0;
  /// The rule and what broke it, as one sentence.
  std::string text;

  /// "core/shape.h:3: ..."
  std::string to_string() const;
};

/// The longest header and source file, in lines.
inline constexpr int kLongestHeader = 300, kLongestSource = 600;
/// The largest file of the repository, in bytes.
inline constexpr size_t kLargestFile = 512 * 1024;

/// Whether the file's `#include` lines obey the design's table. `file` is its path from the root.
std::vector<Violation> check_includes(const std::string& file, std::string_view content);
/// Whether the file is short enough to hold one idea.
std::vector<Violation> check_length(const std::string& file, std::string_view content);
/// Whether the file is free of links to hosts other than the few that the text needs, of home
/// folders, and of bulk.
std::vector<Violation> check_content(const std::string& file, std::string_view content);

}  // namespace tuco::rules
