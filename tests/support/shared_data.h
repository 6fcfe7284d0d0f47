// Where the tests find the data sets and models that are no part of the repository: the folder that
// TUCO_SHARED names, or `shared` beside the source folder.
#pragma once
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

namespace tuco::test {

/// A path in the shared folder; empty if there is nothing of that name.
inline std::filesystem::path shared_data(const std::string& name) {
  const char* folder = std::getenv("TUCO_SHARED");
  const std::filesystem::path base =
      folder ? std::filesystem::path(folder)
             : std::filesystem::path(TUCO_SOURCE_DIR).parent_path() / "shared";
  const auto path = base / name;
  return std::filesystem::exists(path) ? path : std::filesystem::path{};
}

}  // namespace tuco::test

/// Names the missing file and skips the test where `path` (from shared_data) is empty.
#define TUCO_NEEDS_SHARED(path, name)                \
  if ((path).empty())                                \
  GTEST_SKIP() << "SKIPPED: needs shared/" << (name) \
               << ", which is not beside the source folder; TUCO_SHARED may say where it is"
