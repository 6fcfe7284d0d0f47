// CWriter: collects the parts of a generated C file: the runtime's headers that it needs,
// constants, and a function for each layer.
#pragma once
#include <fmt/format.h>

#include <set>
#include <string>
#include <vector>

#include "tuco/core/graph.h"
#include "tuco/deploy/memory_plan.h"

namespace tuco::deploy {

/// Bytes of a model's constants by what they are for.
struct ConstantBytes {
  int64_t weights = 0, biases = 0, multipliers = 0;
  /// Geometry, tables and the rest.
  int64_t others = 0;
  int64_t total() const { return weights + biases + multipliers + others; }
};

/// The C source of one model while it is written.
class CWriter {
 public:
  CWriter(const Graph& graph, std::string prefix, const MemoryPlan& plan)
      : graph_(graph), prefix_(std::move(prefix)), plan_(plan) {}

  /// Starts the function of the next node: its number goes into the names of its constants.
  /// `comment` says what the layer is.
  void begin_node(int number, const std::string& comment);
  /// Ends it. A node without code has no function.
  void end_node();
  /// Names a header of the runtime that the code needs ("conv2d.h").
  void use(std::string_view header) { headers_.insert(std::string(header)); }
  /// Adds an array and returns its identifier. `type` is int8_t, int16_t or int32_t; `what` is
  /// weight, bias, multiplier, shift, channels or something else, and says where its bytes are counted.
  std::string array(std::string_view type, std::string_view what,
                    const std::vector<int32_t>& values);
  /// Adds a constant struct, whose members are given as text, and returns its identifier. `size`
  /// is its size on a 32-bit machine in bytes.
  std::string structure(std::string_view type, std::string_view what, const std::string& members,
                        int64_t size = 0);
  /// The integers of a constant value of the graph, as an array.
  std::string constant(int value, std::string_view what);
  /// The place of an activation: "arena + 128".
  std::string buffer(int value) const { return place(plan_.offsets[value]); }
  /// The place of the scratch memory of the node that is being written.
  std::string scratch() const { return place(plan_.scratch[node_]); }
  /// Adds a line of the layer's function.
  template <class... T>
  void line(fmt::format_string<T...> text, T&&... arguments) {
    body_ += "  " + fmt::format(text, std::forward<T>(arguments)...) + "\n";
  }

  const std::set<std::string>& headers() const { return headers_; }
  const std::string& constants() const { return constants_; }
  /// The layers' functions, and the calls of all of them.
  const std::string& functions() const { return functions_; }
  const std::string& calls() const { return calls_; }
  /// Bytes of all constants, and of those of each node.
  const ConstantBytes& constant_bytes() const { return bytes_; }
  const std::vector<ConstantBytes>& node_bytes() const { return node_bytes_; }

 private:
  std::string identifier(std::string_view what) const;
  void count(std::string_view what, int64_t bytes);
  static std::string place(int64_t offset) {
    return offset == 0 ? "arena" : fmt::format("arena + {}", offset);
  }

  const Graph& graph_;
  std::string prefix_;
  const MemoryPlan& plan_;
  int node_ = 0;
  std::set<std::string> headers_;
  std::string constants_, comment_, body_, functions_, calls_;
  ConstantBytes bytes_;
  std::vector<ConstantBytes> node_bytes_;
};

}  // namespace tuco::deploy
