// A folder for what is built on the way.
#pragma once
#include <filesystem>
#include <string>

namespace tuco::bench {

/// A new folder in the system's temporary one that goes when it is no longer needed; or a given
/// one, made if it is not there, which stays.
class WorkFolder {
 public:
  /// Throws std::system_error.
  explicit WorkFolder(const std::string& wanted = "");
  ~WorkFolder();
  WorkFolder(const WorkFolder&) = delete;
  WorkFolder& operator=(const WorkFolder&) = delete;

  /// A folder in it, made if it is not there.
  std::filesystem::path part(const std::string& name) const;

 private:
  bool kept_;
  std::filesystem::path path_;
};

}  // namespace tuco::bench
