// Archives (.tar.gz) among the shared data, whose files tests read without unpacking them.
#pragma once
#include <map>

#include "tests/support/shared_data.h"
#include "tuco/core/error.h"
#include "tuco/data/gzip.h"
#include "tuco/data/tar.h"

namespace tuco::test {

/// An archive in memory.
class SharedArchive {
 public:
  explicit SharedArchive(const std::filesystem::path& path) : file_(data::open_file(path)) {
    for (const data::TarEntry& entry : data::list_tar(file_)) entries_[entry.name] = entry;
  }

  /// The entry's bytes as a file of its name. Throws Error if there is none.
  File open(const std::string& name) const {
    const auto found = entries_.find(name);
    require<Error>(found != entries_.end(), "{} has no {}", file_.name(), name);
    return File::memory(file_.read(found->second.offset, found->second.size), name);
  }

 private:
  File file_;
  std::map<std::string, data::TarEntry> entries_;
};

}  // namespace tuco::test
