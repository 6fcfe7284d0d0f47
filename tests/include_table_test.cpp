#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/include_table.h"

namespace tuco::rules {
namespace {

namespace fs = std::filesystem;

struct File {
  std::string path;
  std::string content;
};

// Every file of the repository, without build folders and what tools put beside it.
const std::vector<File>& repository() {
  static const std::vector<File> files = [] {
    std::vector<File> result;
    const fs::path root = TUCO_SOURCE_DIR;
    for (auto it = fs::recursive_directory_iterator(root); it != fs::end(it); ++it) {
      const std::string path = it->path().lexically_relative(root).generic_string();
      const std::string name = it->path().filename().string();
      const bool skipped = name == ".git" || name == ".venv" || name == ".cache" ||
                           name == ".vscode" || name == "compile_commands.json" ||
                           (it.depth() == 0 && (name.starts_with("build") || name == "out"));
      if (skipped) {
        if (it->is_directory()) it.disable_recursion_pending();
        continue;
      }
      if (!it->is_regular_file()) continue;
      std::ifstream stream(it->path(), std::ios::binary);
      result.push_back({path, std::string(std::istreambuf_iterator<char>(stream), {})});
    }
    return result;
  }();
  return files;
}

void expect_none(std::vector<Violation> (*check)(const std::string&, std::string_view)) {
  ASSERT_GT(repository().size(), 30u) << "are these the sources? " << TUCO_SOURCE_DIR;
  for (const File& file : repository())
    for (const Violation& violation : check(file.path, file.content))
      ADD_FAILURE() << violation.to_string();
}

TEST(Repository, IncludesFollowTheTable) { expect_none(check_includes); }
TEST(Repository, FilesHoldOneIdea) { expect_none(check_length); }
TEST(Repository, NamesNoHostsAndNoHomes) { expect_none(check_content); }

std::string first(const std::vector<Violation>& violations) {
  return violations.empty() ? "" : violations.front().to_string();
}

TEST(IncludeTable, FindsPlantedViolations) {
  EXPECT_EQ(
      first(check_includes("core/shape.h", "#pragma once\n#include \"tuco/layers/module.h\"\n")),
      "core/shape.h:2: core may include nothing of ours besides itself, not "
      "tuco/layers/module.h");
  EXPECT_EQ(first(check_includes("autograd/tape.cpp", "#include <tuco/devices/cpu/gemm.h>\n")),
            "autograd/tape.cpp:1: autograd may include core besides itself, not "
            "tuco/devices/cpu/gemm.h");
  EXPECT_EQ(first(check_includes("layers/conv.cpp", "\n\n  #  include <Eigen/Core>  // why\n")),
            "layers/conv.cpp:3: <Eigen/Core> belongs to Eigen, which only files under devices/ may "
            "include");
  EXPECT_EQ(first(check_includes("deploy/runtime/conv2d.h", "#include <string.h>\n")),
            "deploy/runtime/conv2d.h:1: deploy/runtime may include its own files (by bare name), "
            "stdint.h, stddef.h and arm_mve.h, not string.h");
  for (const auto& [file, header] : {std::pair{"deploy/plan.cpp", "\"tuco/devices/cpu/cpu.h\""},
                                     {"deploy/plan.cpp", "\"tuco/data/loader.h\""},
                                     {"optimizers/sgd.cpp", "\"tuco/layers/module.h\""},
                                     {"data/loader.cpp", "\"tuco/layers/module.h\""},
                                     {"core/tensor.h", "\"tuco/tuco.h\""},
                                     {"core/tensor.cpp", "\"tensor.h\""},
                                     {"core/parallel.cpp", "<omp.h>"},
                                     {"devices/cpu/cpu.cpp", "<cuda_runtime.h>"},
                                     {"data/jpeg.cpp", "<hwy/highway.h>"},
                                     {"deploy/runtime/pool.h", "\"tuco/core/shape.h\""}})
    EXPECT_EQ(check_includes(file, std::string("#include ") + header + "\n").size(), 1u)
        << file << " " << header;
}

TEST(IncludeTable, AllowsWhatTheTableAllows) {
  for (const auto& [file, header] : {std::pair{"deploy/plan.cpp", "\"tuco/layers/module.h\""},
                                     {"devices/cpu/conv2d.cpp", "<hwy/highway.h>"},
                                     {"devices/cuda/conv2d.cu", "<cudnn.h>"},
                                     {"core/tensor.cpp", "\"tuco/core/tensor.h\""},
                                     {"deploy/runtime/pool.h", "\"requantize.h\""},
                                     {"deploy/runtime/pool.h", "<stdint.h>"},
                                     {"tools/main.cpp", "\"tuco/devices/cpu/cpu.h\""},
                                     {"tests/ops/conv2d_test.cpp", "<Eigen/Core>"}})
    EXPECT_EQ(first(check_includes(file, std::string("#include ") + header + "\n")), "");
  EXPECT_EQ(first(check_includes("core/shape.h", "// #include \"tuco/layers/module.h\"\n")), "");
  EXPECT_EQ(first(check_includes("docs/page.md", "#include \"tuco/layers/module.h\"\n")), "");
}

TEST(FileRules, FindPlantedViolations) {
  const std::string lines(601, '\n');
  EXPECT_EQ(first(check_length("core/shape.cpp", lines)),
            "core/shape.cpp: 601 lines; a source of over 600 is two ideas");
  EXPECT_EQ(first(check_length("core/shape.cpp", lines.substr(1))), "");
  EXPECT_NE(first(check_length("core/shape.h", lines.substr(1))), "");
  const std::string host = std::string("https:/") + "/packages.example";
  EXPECT_EQ(first(check_content("scripts/test", "x\ncurl " + host + "/a\n")),
            "scripts/test:2: names the host packages.example");
  EXPECT_EQ(first(check_content("README.md", std::string("https:/") + "/arxiv.org/abs/1\n")), "");
  const std::string home = std::string("/ho") + "me/ana";
  EXPECT_EQ(first(check_content("a.txt", "in " + home + "/tuco")),
            "a.txt:1: names a folder of one machine:  " + home);
  EXPECT_EQ(first(check_content("a.txt", "see docs" + home)), "");
  EXPECT_NE(first(check_content("a.bin", std::string(kLargestFile + 1, 'x'))), "");
}

}  // namespace
}  // namespace tuco::rules
