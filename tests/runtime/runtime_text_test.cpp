#include "tuco/deploy/runtime_text.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "tuco/core/error.h"

namespace tuco::deploy {
namespace {

std::string read(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

size_t count(std::string_view text, std::string_view what) {
  size_t times = 0;
  for (size_t at = text.find(what); at != text.npos; at = text.find(what, at + 1)) times++;
  return times;
}

TEST(RuntimeText, EmbedsEveryHeaderOfTheFolderUnchanged) {
  std::set<std::string> in_folder, embedded;
  for (const auto& entry : std::filesystem::directory_iterator(TUCO_RUNTIME_DIR))
    if (entry.path().extension() == ".h") in_folder.insert(entry.path().filename().string());
  for (const RuntimeFile& file : runtime_files()) {
    embedded.insert(std::string(file.name));
    EXPECT_EQ(file.text, read(std::filesystem::path(TUCO_RUNTIME_DIR) / file.name)) << file.name;
  }
  EXPECT_EQ(embedded, in_folder);
  EXPECT_GE(embedded.size(), 18u);
}

TEST(RuntimeText, HoldsWhatIsWantedWithWhatItNeedsOnceAndInOrder) {
  const std::array<std::string_view, 3> wanted = {"conv2d.h", "softmax.h", "conv2d.h"};
  const std::string text = runtime_text(wanted);
  for (std::string_view guard :
       {"BASE", "DOT", "REQUANTIZE", "WINDOW", "CONV2D", "FIXED_POINT", "SOFTMAX"})
    EXPECT_EQ(count(text, fmt::format("#define TUCO_RUNTIME_{}_H\n", guard)), 1u) << guard;
  EXPECT_EQ(count(text, "POOL_H"), 0u);
  EXPECT_EQ(count(text, "#include \""), 0u);
  EXPECT_EQ(count(text, "#include <"), 2u);
  EXPECT_LT(text.find("tuco_dot4("), text.find("tuco_conv2d("));
  EXPECT_LT(text.find("tuco_exp("), text.find("tuco_softmax("));
}

TEST(RuntimeText, FilesBeginWithACommentAndNeedNothingButOneAnother) {
  std::set<std::string_view> names;
  for (const RuntimeFile& file : runtime_files()) names.insert(file.name);
  for (const RuntimeFile& file : runtime_files()) {
    EXPECT_TRUE(file.text.starts_with("// ")) << file.name;
    for (std::string_view included : runtime_includes(file))
      EXPECT_TRUE(names.contains(included)) << file.name << " includes " << included;
    // Integers, and Arm's vectors.
    const size_t expected = file.name == "base.h" ? 2 : file.name == "helium.h" ? 1 : 0;
    EXPECT_EQ(count(file.text, "#include <"), expected) << file.name;
  }
}

TEST(RuntimeText, RefusesAnUnknownName) {
  const std::array<std::string_view, 1> wanted = {"conv3d.h"};
  try {
    runtime_text(wanted);
    FAIL();
  } catch (const UnsupportedOp& error) {
    EXPECT_STREQ(error.what(), "the device runtime has no file conv3d.h");
  }
}

}  // namespace
}  // namespace tuco::deploy
