#include "tuco/tools/outputs.h"

#include <gtest/gtest.h>

#include "tests/support/temporary_folder.h"
#include "tuco/core/error.h"
#include "tuco/core/file.h"

namespace tuco::tools {
namespace {

namespace fs = std::filesystem;

std::string text_of(const fs::path& path) {
  const Bytes bytes = File::open(path.string()).read_all();
  return {bytes.begin(), bytes.end()};
}

size_t entries(const fs::path& folder) {
  size_t count = 0;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) count += !entry.path().empty();
  return count;
}

TEST(Outputs, WritesAllFilesAndTheirFolders) {
  const test::TemporaryFolder folder;
  Outputs outputs;
  outputs.make_folder(folder.path() / "a");
  outputs.add(folder.path() / "a/b/one", "1");
  outputs.add(folder.path() / "two", "2");
  outputs.write();
  EXPECT_EQ(text_of(folder.path() / "a/b/one"), "1");
  EXPECT_EQ(text_of(folder.path() / "two"), "2");
  EXPECT_EQ(outputs.paths().size(), 2u);
}

TEST(Outputs, AFailureLeavesEverythingAsItWas) {
  const test::TemporaryFolder folder;
  write_file((folder.path() / "old").string(), "old");
  Outputs outputs;
  outputs.make_folder(folder.path() / "new");
  outputs.add(folder.path() / "old", "changed");
  outputs.add(folder.path() / "new/deep/file", "1");
  outputs.add(folder.path() / "missing/file", "2");  // nobody said that this folder is to be made
  EXPECT_THROW(outputs.write(), IoError);
  EXPECT_EQ(text_of(folder.path() / "old"), "old");
  EXPECT_EQ(entries(folder.path()), 1u);
}

TEST(Outputs, NoFileTwice) {
  Outputs outputs;
  outputs.add("a/b", "1");
  EXPECT_THROW(outputs.add("a/./c/../b", "2"), Error);
}

}  // namespace
}  // namespace tuco::tools
