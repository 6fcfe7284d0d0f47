#include "tests/include_table.h"

#include <algorithm>
#include <array>
#include <regex>
#include <sstream>

namespace tuco::rules {
namespace {

using Names = std::vector<std::string_view>;

// The folders whose includes are limited, and the folders of ours that each may include besides
// itself. Folders that are not here (tools, examples, tests, bench) may include anything.
struct Folder {
  std::string_view name;
  Names may_include;
};
const std::vector<Folder>& table() {
  static const std::vector<Folder> folders = {
      {"core", {}},
      {"devices", {"core", "deploy/runtime"}},
      {"autograd", {"core"}},
      {"layers", {"autograd", "core"}},
      {"optimizers", {"autograd", "core"}},
      {"data", {"autograd", "core"}},
      {"deploy", {"layers", "autograd", "core"}},
  };
  return folders;
}

// Libraries with a place of their own.
struct Library {
  std::string_view name;
  std::string_view header;  // a regular expression
  std::string_view home;    // the beginning of the paths that may include it
};
constexpr std::array kLibraries = {
    Library{"Eigen", "(unsupported/)?Eigen/.*", "devices/"},
    Library{"Highway", "hwy/.*", "devices/"},
    Library{"CUDA", "(cuda|cublas|cudnn|curand|cub/|thrust/|nccl|device_launch).*",
            "devices/cuda/"},
    Library{"MPI", "mpi(cxx)?\\.h", "devices/mpi/"},
    Library{"OpenMP", "omp\\.h", "nowhere/"},
};

bool contains(const Names& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::string_view folder_of(std::string_view path) {
  const size_t slash = path.find('/');
  return slash == path.npos ? std::string_view() : path.substr(0, slash);
}

std::string joined(const Names& names) {
  std::string text;
  for (const auto name : names) text += (text.empty() ? "" : ", ") + std::string(name);
  return text;
}

bool ends_with_any(std::string_view file, std::initializer_list<std::string_view> endings) {
  return std::any_of(endings.begin(), endings.end(),
                     [&](std::string_view ending) { return file.ends_with(ending); });
}

bool is_code(std::string_view file) {
  return ends_with_any(file, {".h", ".cuh", ".c", ".cpp", ".cu"});
}

// What is wrong with this file including that header, or nothing.
std::string complaint(const std::string& file, const std::string& header, bool quoted) {
  const std::string_view folder = folder_of(file);
  if (file.starts_with("deploy/runtime/")) {
    // These go into a firmware as they are.
    const bool sibling = quoted && header.find('/') == header.npos;
    // The last is the compiler's, for Helium's intrinsics.
    if (sibling || header == "stdint.h" || header == "stddef.h" || header == "arm_mve.h") return "";
    return "deploy/runtime may include its own files (by bare name), stdint.h, stddef.h and "
           "arm_mve.h, not " +
           header;
  }
  const auto entry = std::find_if(table().begin(), table().end(),
                                  [&](const Folder& f) { return f.name == folder; });
  if (entry == table().end()) return "";
  for (const Library& library : kLibraries)
    if (std::regex_match(header, std::regex(std::string(library.header))) &&
        !file.starts_with(library.home))
      return "<" + header + "> belongs to " + std::string(library.name) +
             ", which only files under " + std::string(library.home) + " may include";
  if (header.starts_with("tuco/")) {
    const std::string_view target = folder_of(std::string_view(header).substr(5));
    if (target == folder || contains(entry->may_include, target)) return "";
    // The device runtime stands alone, and its arithmetic serves others.
    if (header.starts_with("tuco/deploy/runtime/") &&
        contains(entry->may_include, "deploy/runtime"))
      return "";
    return std::string(folder) + " may include " +
           (entry->may_include.empty() ? "nothing of ours" : joined(entry->may_include)) +
           " besides itself, not " + header;
  }
  if (quoted)
    return "headers of ours are included as \"tuco/FOLDER/FILE.h\", not \"" + header + "\"";
  return "";
}

template <class Check>
void for_each_line(std::string_view content, Check&& check) {
  std::istringstream stream{std::string(content)};
  std::string line;
  for (int number = 1; std::getline(stream, line); ++number) check(number, line);
}

}  // namespace

std::string Violation::to_string() const {
  return file + (line ? ":" + std::to_string(line) : "") + ": " + text;
}

std::vector<Violation> check_includes(const std::string& file, std::string_view content) {
  std::vector<Violation> found;
  if (!is_code(file)) return found;
  static const std::regex include(R"(^\s*#\s*include\s*([<"])([^>"]+)[>"].*)");
  for_each_line(content, [&](int number, const std::string& line) {
    std::smatch match;
    if (line.find("include") == line.npos || !std::regex_match(line, match, include)) return;
    const std::string text = complaint(file, match[2], match[1] == "\"");
    if (!text.empty()) found.push_back({file, number, text});
  });
  return found;
}

std::vector<Violation> check_length(const std::string& file, std::string_view content) {
  if (!is_code(file)) return {};
  const bool header = ends_with_any(file, {".h", ".cuh"});
  const int limit = header ? kLongestHeader : kLongestSource;
  const auto lines = std::count(content.begin(), content.end(), '\n');
  if (lines <= limit) return {};
  return {{file, 0,
           std::to_string(lines) + " lines; a " + (header ? "header" : "source") + " of over " +
               std::to_string(limit) + " is two ideas"}};
}

std::vector<Violation> check_content(const std::string& file, std::string_view content) {
  std::vector<Violation> found;
  if (content.size() > kLargestFile)
    found.push_back({file, 0,
                     std::to_string(content.size()) + " bytes, more than the " +
                         std::to_string(kLargestFile) + " that a file may have"});
  if (content.find('\0') != content.npos) return found;  // not a text
  // Licences, papers and XML namespaces; packages come by their names, from whatever registry the
  // machine is set up for.
  static const std::regex link(R"(https?://([A-Za-z0-9.-]*[A-Za-z0-9]))");
  static const Names hosts = {"www.apache.org", "arxiv.org",  "doi.org",
                              "www.w3.org",     "semver.org", "keepachangelog.com",
                              "json-schema.org"};
  static const std::regex home(R"((^|[^A-Za-z0-9_./-])/(home|Users|root|work)/[A-Za-z0-9_.-]+)");
  for_each_line(content, [&](int number, const std::string& line) {
    std::smatch match;
    if (line.find("://") != line.npos && std::regex_search(line, match, link) &&
        !contains(hosts, std::string_view(match[1].str())))
      found.push_back({file, number, "names the host " + match[1].str()});
    if (line.find('/') != line.npos && std::regex_search(line, match, home))
      found.push_back({file, number, "names a folder of one machine: " + match[0].str()});
  });
  return found;
}

}  // namespace tuco::rules
