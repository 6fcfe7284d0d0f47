// Program: what a device does to run a model: calls of the runtime's kernels, layer by layer, with
// their constants. Generated C and files for devices are two ways to write it down.
#pragma once
#include <concepts>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "tuco/core/graph.h"
#include "tuco/deploy/device_model.h"
#include "tuco/deploy/memory_plan.h"
#include "tuco/deploy/multiplier.h"

namespace tuco::deploy {

/// Bytes of a model's constants by what they are for.
struct ConstantBytes {
  int64_t weights = 0, biases = 0, multipliers = 0;
  /// Geometry, tables and the rest.
  int64_t others = 0;
  int64_t total() const { return weights + biases + multipliers + others; }
};

/// One argument of a kernel's call, or a member of a constant struct.
struct Argument {
  enum class Kind {
    kInteger,   // `value`
    kRounding,  // TUCO_DOUBLE_ROUNDING or TUCO_SINGLE_ROUNDING, in `value`
    kPlace,     // `value` bytes into the arena
    kScratch,   // the same, for int16
    kConstant,  // the address of constant number `value`
    kNull,
  };
  Kind kind = Kind::kInteger;
  int64_t value = 0;

  friend bool operator==(const Argument&, const Argument&) = default;
  Argument(std::integral auto integer) : value(static_cast<int64_t>(integer)) {}
  Argument(Rounding rounding) : kind(Kind::kRounding), value(static_cast<int64_t>(rounding)) {}
  Argument(Kind k, int64_t v) : kind(k), value(v) {}
};

/// A member of a constant struct: one number or address, or an array of numbers.
struct Member {
  /// Size of an element on a 32-bit machine; addresses have 4.
  int bytes = 4;
  std::vector<Argument> elements;

  static Member int8(int64_t value) { return {1, {Argument(value)}}; }
  static Member int16(int64_t value) { return {2, {Argument(value)}}; }
  static Member int32(int64_t value) { return {4, {Argument(value)}}; }
  static Member int32s(const std::vector<int64_t>& values);
  static Member argument(Argument argument) { return {4, {argument}}; }
  friend bool operator==(const Member&, const Member&) = default;
};

/// A constant array of integers, or a struct of the runtime.
struct Constant {
  /// int8_t, int16_t, int32_t, or the struct's name.
  std::string type;
  /// What it is in its layer ("weight"), and the number of that.
  std::string what;
  int layer = 0;
  /// Elements of an array.
  std::vector<int32_t> values = {};
  /// Members of a struct; empty for an array.
  std::vector<Member> members = {};

  bool is_struct() const { return !members.empty(); }
  /// Size of an array's element.
  int element_bytes() const { return type == "int8_t" ? 1 : type == "int16_t" ? 2 : 4; }
  /// Whether both hold the same.
  bool is_like(const Constant& other) const {
    return type == other.type && values == other.values && members == other.members;
  }
  /// Size on a 32-bit machine, what fills up a struct's end included.
  int64_t bytes() const;
};

/// A call of a kernel, by the kernel's name without "tuco_".
struct Call {
  std::string kernel;
  std::vector<Argument> arguments;

  friend bool operator==(const Call&, const Call&) = default;
};

/// What a state holds before the first run.
struct InitialState {
  /// Where it lies in the arena, and how many bytes it has.
  Argument place;
  int64_t bytes = 0;
  /// The constant that it is a copy of, or the byte (kInteger) that all of it are.
  Argument initial;
};

/// The program of one model, which the `emit` rules make; equal constants are there once. It refers
/// to the graph and the plan that it is made from.
class Program {
 public:
  Program(const Graph& graph, const MemoryPlan& plan)
      : graph_(graph), plan_(plan), layers_(graph.nodes.size()), bytes_(graph.nodes.size()) {}

  /// What follows belongs to this node.
  void begin_layer(int node) { layer_ = node; }

  /// Adds an array. `type` is int8_t, int16_t or int32_t; `what` is weight, bias, multiplier,
  /// shift, channels or something else, and says where its bytes are counted.
  Argument array(std::string type, std::string what, std::vector<int32_t> values);
  /// Adds a constant struct of the runtime.
  Argument structure(std::string type, std::string what, std::vector<Member> members);
  /// Adds the integers of a constant value of the graph.
  Argument constant(int value, std::string what);
  /// A constant's address, or an activation's place.
  Argument operand(int value, std::string what);
  /// The place of an activation, or `offset` bytes behind its beginning.
  Argument place(int value, int64_t offset = 0) const {
    return {Argument::Kind::kPlace, plan_.offsets[value] + offset};
  }
  /// The scratch memory of the layer.
  Argument scratch() const { return {Argument::Kind::kScratch, plan_.scratch[layer_]}; }
  static Argument null() { return {Argument::Kind::kNull, 0}; }
  /// Adds a state, which belongs to no layer.
  void state(const Graph::State& state);
  /// Adds a call of the kernel tuco_`kernel`, which is in this header of the runtime ("pool.h").
  void call(std::string header, std::string kernel, std::vector<Argument> arguments);

  /// The runtime's headers that the calls need.
  const std::set<std::string>& headers() const { return headers_; }
  const std::vector<Constant>& constants() const { return constants_; }
  /// The calls of each node.
  const std::vector<std::vector<Call>>& layers() const { return layers_; }
  const std::vector<InitialState>& states() const { return states_; }
  /// Bytes of the constants of each node, and of all; what states begin as counts to the first node
  /// that reads them.
  const std::vector<ConstantBytes>& layer_bytes() const { return bytes_; }
  ConstantBytes constant_bytes() const;
  const Graph& graph() const { return graph_; }
  const MemoryPlan& plan() const { return plan_; }

 private:
  Argument add(Constant constant);

  const Graph& graph_;
  const MemoryPlan& plan_;
  int layer_ = 0;
  std::set<std::string> headers_;
  std::vector<Constant> constants_;
  /// Numbers of constants by the hash of what they hold.
  std::unordered_multimap<size_t, int64_t> by_hash_;
  std::vector<std::vector<Call>> layers_;
  std::vector<InitialState> states_;
  std::vector<ConstantBytes> bytes_;
};

/// A model in the form of device_model, with its plan and its program.
struct DeviceProgram {
  /// Throws UnsupportedOp for an op without a kernel, and as device_model does.
  explicit DeviceProgram(const QuantizedModel& model, const DeviceOptions& options = {});
  DeviceProgram(const DeviceProgram&) = delete;
  DeviceProgram& operator=(const DeviceProgram&) = delete;

  const QuantizedModel model;
  const MemoryPlan plan;
  Program program;
};

}  // namespace tuco::deploy
