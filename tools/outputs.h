// The files that a command writes: all of them, or none.
#pragma once
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace tuco::tools {

/// Texts for files, kept until write(): a failure before or in it leaves no file half-written and
/// no new folder, and old files as they were.
class Outputs {
 public:
  /// Throws Error if the path has a file already.
  void add(const std::filesystem::path& path, std::string text);
  /// Makes the folders that are missing, where make_folder() allows it, and writes the files.
  /// Throws IoError.
  void write() const;
  /// The paths, in the order of add().
  std::vector<std::string> paths() const;

  /// Says that folders at and below `folder`, and `folder` itself, are made if they are not there;
  /// other folders have to be.
  void make_folder(const std::filesystem::path& folder) { made_.push_back(folder); }

 private:
  struct Entry {
    std::filesystem::path path;
    std::string text;
  };
  std::vector<Entry> entries_;
  std::vector<std::filesystem::path> made_;
};

}  // namespace tuco::tools
