#include "tuco/tools/outputs.h"

#include <algorithm>
#include <memory>
#include <system_error>

#include "tuco/core/error.h"
#include "tuco/core/file.h"

namespace tuco::tools {
namespace {

namespace fs = std::filesystem;

/// Folders made on the way, which go again unless all went well.
class NewFolders {
 public:
  ~NewFolders() {
    std::error_code ignored;
    if (!kept_)
      for (auto at = folders_.rbegin(); at != folders_.rend(); ++at) fs::remove(*at, ignored);
  }
  void make(const fs::path& folder) {
    if (folder.empty() || fs::is_directory(folder)) return;
    make(folder.parent_path());
    std::error_code error;
    fs::create_directory(folder, error);
    require<IoError>(!error, "{}: cannot make the folder: {}", folder.string(), error.message());
    folders_.push_back(folder);
  }
  void keep() { kept_ = true; }

 private:
  std::vector<fs::path> folders_;
  bool kept_ = false;
};

bool is_within(const fs::path& path, const fs::path& folder) {
  const fs::path whole = fs::absolute(folder).lexically_normal(),
                 inner = fs::absolute(path).lexically_normal();
  const fs::path relative = inner.lexically_relative(whole);
  return !relative.empty() && *relative.begin() != "..";
}

}  // namespace

void Outputs::add(const fs::path& path, std::string text) {
  const fs::path whole = fs::absolute(path).lexically_normal();
  for (const Entry& entry : entries_)
    require<Error>(fs::absolute(entry.path).lexically_normal() != whole,
                   "two outputs would be the file {}", path.string());
  entries_.push_back({path, std::move(text)});
}

void Outputs::write() const {
  NewFolders folders;
  std::vector<std::unique_ptr<NewFile>> files;
  for (const Entry& entry : entries_) {
    const bool wanted = std::ranges::any_of(
        made_, [&](const fs::path& folder) { return is_within(entry.path, folder); });
    if (wanted) folders.make(entry.path.parent_path());
    files.push_back(std::make_unique<NewFile>(entry.path.string()));
    files.back()->write(entry.text);
  }
  for (const auto& file : files) file->commit();
  folders.keep();
}

std::vector<std::string> Outputs::paths() const {
  std::vector<std::string> paths;
  for (const Entry& entry : entries_) paths.push_back(entry.path.string());
  return paths;
}

}  // namespace tuco::tools
