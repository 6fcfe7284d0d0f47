#include "tuco/core/file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <thread>

#include "tests/support/temporary_folder.h"
#include "tuco/core/error.h"

namespace tuco {
namespace {

using test::message_of;
using test::TemporaryFolder;

std::string text_of(const std::string& path) {
  const Bytes bytes = File::open(path).read_all();
  return {bytes.begin(), bytes.end()};
}

int files_in(const std::filesystem::path& folder) {
  return static_cast<int>(std::distance(std::filesystem::directory_iterator(folder), {}));
}

TEST(File, ReadsAnywhereButNeverPastTheEnd) {
  const TemporaryFolder folder;
  const std::string path = folder.write("a.bin", {1, 2, 3, 4, 5});
  for (const File& file : {File::open(path), File::memory({1, 2, 3, 4, 5}, path)}) {
    EXPECT_EQ(file.size(), 5u);
    EXPECT_EQ(file.read(3, 2), Bytes({4, 5}));
    EXPECT_EQ(file.read(5, 0), Bytes());
    EXPECT_EQ(message_of<FormatError>([&] { file.read(4, 2); }),
              path + ": truncated: 2 bytes wanted at 4, but the file has 5");
    EXPECT_THROW(file.read(6, 0), FormatError);
    EXPECT_THROW(file.read(1, ~uint64_t{0}), FormatError);
    EXPECT_THROW(file.read(~uint64_t{0}, 2), FormatError);
  }
}

TEST(File, OpensPlainFilesOnly) {
  const TemporaryFolder folder;
  const std::string missing = folder.path() / "missing";
  EXPECT_EQ(message_of<IoError>([&] { File::open(missing); }),
            missing + ": cannot open: No such file or directory");
  EXPECT_EQ(message_of<IoError>([&] { File::open(folder.path()); }),
            folder.path().string() + ": not a plain file");
  const std::string pipe = folder.path() / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_THROW(File::open(pipe), IoError);
}

TEST(NewFile, TakesThePlaceOfTheOldOneOnCommitAlone) {
  const TemporaryFolder folder;
  const std::string path = folder.path() / "a.txt";
  write_file(path, "old");
  {
    NewFile file(path);
    file.write("half a n");
    EXPECT_EQ(text_of(path), "old");
  }
  EXPECT_EQ(text_of(path), "old");
  EXPECT_EQ(files_in(folder.path()), 1);
  {
    NewFile file(path);
    file.write("new");
    file.write(", and whole");
    file.commit();
  }
  EXPECT_EQ(text_of(path), "new, and whole");
  EXPECT_EQ(files_in(folder.path()), 1);
}

TEST(NewFile, KeepsLinksAndPermissions) {
  const TemporaryFolder folder;
  const std::string path = folder.path() / "a.txt", link = folder.path() / "link";
  write_file(path, "old");
  std::filesystem::permissions(path, std::filesystem::perms{0600});
  std::filesystem::create_symlink(path, link);
  write_file(link, "new");
  EXPECT_TRUE(std::filesystem::is_symlink(link));
  EXPECT_EQ(text_of(path), "new");
  EXPECT_EQ(std::filesystem::status(path).permissions(), std::filesystem::perms{0600});
}

TEST(NewFile, RefusesWhatItCannotReplace) {
  const TemporaryFolder folder;
  EXPECT_EQ(message_of<IoError>([&] { NewFile file(folder.path()); }),
            folder.path().string() + ": cannot write: there, and not a plain file");
  EXPECT_THROW(NewFile("/dev/null"), IoError);
  const std::string nowhere = folder.path() / "missing" / "a.txt";
  EXPECT_EQ(message_of<IoError>([&] { NewFile file(nowhere); }),
            nowhere + ": cannot write: No such file or directory");
}

TEST(NewFile, SeveralAtOnceForOnePathLeaveOneWhole) {
  const TemporaryFolder folder;
  const std::string path = folder.path() / "a.txt";
  std::vector<std::thread> writers;
  for (const char letter : {'a', 'b', 'c', 'd'})
    writers.emplace_back([&path, letter] { write_file(path, std::string(100000, letter)); });
  for (std::thread& writer : writers) writer.join();
  const std::string text = text_of(path);
  EXPECT_EQ(text, std::string(100000, text[0]));
  EXPECT_EQ(files_in(folder.path()), 1);
}

}  // namespace
}  // namespace tuco
