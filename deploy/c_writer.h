// CWriter: collects the parts of a generated C file: the runtime's headers that it needs,
// constants, and the calls, one after another.
#pragma once
#include <fmt/format.h>

#include <set>
#include <string>
#include <vector>

#include "tuco/core/graph.h"

namespace tuco::deploy {

/// The C source of one model while it is written.
class CWriter {
 public:
  /// `offsets` are the values' places in the arena, -1 for constants.
  CWriter(const Graph& graph, std::string prefix, std::vector<int64_t> offsets)
      : graph_(graph), prefix_(std::move(prefix)), offsets_(std::move(offsets)) {}

  /// Starts the next node: its name goes into those of its constants.
  void begin_node(int number) {
    node_ = number;
    constants_here_ = 0;
  }
  /// Names a header of the runtime that the code needs ("conv2d.h").
  void use(std::string_view header) { headers_.insert(std::string(header)); }
  /// Adds an array and returns its identifier. `type` is int8_t or int32_t.
  std::string array(std::string_view type, std::string_view what,
                    const std::vector<int32_t>& values);
  /// Adds a constant struct, whose members are given as text, and returns its identifier.
  std::string structure(std::string_view type, std::string_view what, const std::string& members);
  /// The integers of a constant value of the graph, as an array.
  std::string constant(int value, std::string_view what);
  /// The place of an activation: "arena + 128".
  std::string buffer(int value) const;
  /// Adds a line of the run function.
  template <class... T>
  void line(fmt::format_string<T...> text, T&&... arguments) {
    body_ += "  " + fmt::format(text, std::forward<T>(arguments)...) + "\n";
  }

  const std::set<std::string>& headers() const { return headers_; }
  const std::string& constants() const { return constants_; }
  const std::string& body() const { return body_; }
  /// Bytes of all constants.
  int64_t constant_bytes() const { return constant_bytes_; }

 private:
  std::string identifier(std::string_view what);

  const Graph& graph_;
  std::string prefix_;
  std::vector<int64_t> offsets_;
  int node_ = 0, constants_here_ = 0;
  std::set<std::string> headers_;
  std::string constants_, body_;
  int64_t constant_bytes_ = 0;
};

}  // namespace tuco::deploy
