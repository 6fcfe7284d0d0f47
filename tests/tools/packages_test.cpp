#include "tuco/tools/packages.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tuco/core/error.h"

namespace tuco::tools {
namespace {

const deploy::CSource kSource{.header = "the header", .source = "the source"};

std::string text_of(const PackageFiles& files, const std::string& path) {
  const auto file = std::ranges::find(files, path, &PackageFiles::value_type::first);
  return file == files.end() ? "(missing)" : file->second;
}

TEST(Packages, HoldTheModelAndItsNames) {
  for (const auto& files : {arduino_library(kSource, "my_net"), cmake_module(kSource, "my_net"),
                            makefile_project(kSource, "my_net")}) {
    int headers = 0, sources = 0, named = 0;
    for (const auto& [path, text] : files) {
      headers += text == kSource.header;
      sources += text.ends_with(kSource.source);
      named += text.find("my_net") != std::string::npos;
      EXPECT_EQ(text.find("@name@"), std::string::npos) << path;
      EXPECT_EQ(text.find("@NAME@"), std::string::npos) << path;
    }
    EXPECT_EQ(headers, 1);
    EXPECT_EQ(sources, 1);
    EXPECT_GE(named, 2);
  }
  EXPECT_NE(text_of(arduino_library(kSource, "net"), "examples/net_run/net_run.ino")
                .find("NET_ARENA_BYTES"),
            std::string::npos);
  EXPECT_EQ(text_of(cmake_module(kSource, "net"), "src/net.c"), "the source");
}

TEST(Packages, RefuseNamesThatTheirToolsDo) {
  EXPECT_THROW(arduino_library(kSource, "_net"), Error);
  EXPECT_THROW(arduino_library(kSource, std::string(60, 'n')), Error);
  EXPECT_NO_THROW(arduino_library(kSource, std::string(59, 'n')));
  EXPECT_THROW(makefile_project(kSource, "main"), Error);
  EXPECT_THROW(makefile_project(kSource, "startup"), Error);
}

}  // namespace
}  // namespace tuco::tools
