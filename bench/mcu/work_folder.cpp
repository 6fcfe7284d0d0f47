#include "work_folder.h"

#include <cstdlib>
#include <system_error>

namespace tuco::bench {

namespace fs = std::filesystem;

WorkFolder::WorkFolder(const std::string& wanted) : kept_(!wanted.empty()) {
  if (kept_) {
    path_ = fs::absolute(wanted);
    fs::create_directories(path_);
    return;
  }
  std::string pattern = (fs::temp_directory_path() / "tuco_mcu.XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr)
    throw std::system_error(errno, std::generic_category(), pattern);
  path_ = pattern;
}

WorkFolder::~WorkFolder() {
  std::error_code ignored;
  if (!kept_) fs::remove_all(path_, ignored);
}

fs::path WorkFolder::part(const std::string& name) const {
  fs::create_directories(path_ / name);
  return path_ / name;
}

}  // namespace tuco::bench
