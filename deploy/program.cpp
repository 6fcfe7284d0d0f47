#include "tuco/deploy/program.h"

#include <algorithm>

#include "tuco/core/error.h"
#include "tuco/deploy/rules.h"

namespace tuco::deploy {
namespace {

size_t hash_of(const Constant& constant) {
  size_t hash = std::hash<std::string>()(constant.type);
  const auto add = [&](int64_t number) {
    hash = (hash ^ static_cast<size_t>(number)) * 0x100000001b3u;
  };
  for (const int32_t value : constant.values) add(value);
  for (const Member& member : constant.members)
    for (const Argument& element : member.elements) add(element.value);
  return hash;
}

void count(ConstantBytes& sums, const Constant& constant) {
  const std::string& what = constant.what;
  const int64_t bytes = constant.bytes();
  if (what == "channels") {  // biases and multipliers in turn
    sums.biases += bytes / 2;
    sums.multipliers += bytes / 2;
    return;
  }
  (what == "weight"                          ? sums.weights
   : what == "bias"                          ? sums.biases
   : what == "multiplier" || what == "shift" ? sums.multipliers
                                             : sums.others) += bytes;
}

}  // namespace

Member Member::int32s(const std::vector<int64_t>& values) {
  return {4, std::vector<Argument>(values.begin(), values.end())};
}

int64_t Constant::bytes() const {
  if (!is_struct()) return static_cast<int64_t>(values.size()) * element_bytes();
  int64_t sum = 0;
  int alignment = 1;
  for (const Member& member : members) {
    sum += member.bytes * static_cast<int64_t>(member.elements.size());
    alignment = std::max(alignment, member.bytes);
  }
  return (sum + alignment - 1) / alignment * alignment;
}

Argument Program::add(Constant constant) {
  const size_t hash = hash_of(constant);
  for (auto [at, end] = by_hash_.equal_range(hash); at != end; ++at)
    if (constants_[at->second].is_like(constant)) return {Argument::Kind::kConstant, at->second};
  by_hash_.emplace(hash, static_cast<int64_t>(constants_.size()));
  constant.layer = layer_;
  count(bytes_[layer_], constant);
  constants_.push_back(std::move(constant));
  return {Argument::Kind::kConstant, static_cast<int64_t>(constants_.size()) - 1};
}

Argument Program::array(std::string type, std::string what, std::vector<int32_t> values) {
  return add({.type = std::move(type), .what = std::move(what), .values = std::move(values)});
}

Argument Program::structure(std::string type, std::string what, std::vector<Member> members) {
  return add({.type = std::move(type), .what = std::move(what), .members = std::move(members)});
}

Argument Program::constant(int value, std::string what) {
  const Tensor& tensor = graph_.values[value].constant;
  const char* type = tensor.dtype() == DType::int8    ? "int8_t"
                     : tensor.dtype() == DType::int16 ? "int16_t"
                                                      : "int32_t";
  return array(type, std::move(what), tensor.to(DType::int32).to_vector<int32_t>());
}

Argument Program::operand(int value, std::string what) {
  return graph_.values[value].constant.defined() ? constant(value, std::move(what)) : place(value);
}

void Program::state(const Graph::State& state) {
  const Tensor initial = dense(graph_.values[state.initial].constant);
  const int64_t bytes = plan_.sizes[state.before];
  const auto* first = static_cast<const int8_t*>(initial.raw());
  const bool is_even = std::all_of(first, first + bytes, [&](int8_t b) { return b == *first; });
  const auto readers = graph_.consumers(state.before);
  if (!readers.empty()) begin_layer(readers[0]);
  headers_.insert("memory.h");
  states_.push_back(
      {place(state.before), bytes, is_even ? Argument(*first) : constant(state.initial, "state")});
}

void Program::call(std::string header, std::string kernel, std::vector<Argument> arguments) {
  headers_.insert(std::move(header));
  layers_[layer_].push_back({std::move(kernel), std::move(arguments)});
}

DeviceProgram::DeviceProgram(const QuantizedModel& whole, const DeviceOptions& options)
    : model(device_model(whole, options)), plan(plan_memory(model)), program(model.graph, plan) {
  const Graph& graph = model.graph;
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    const Graph::Node& node = graph.nodes[i];
    program.begin_layer(static_cast<int>(i));
    std::visit(
        [&]<class Op>(const Op& op) {
          if constexpr (not_quantizable<Op> != nullptr)
            fail<UnsupportedOp>("node {} ({}) cannot run on a device: {}", i, tuco::name(node.op),
                                not_quantizable<Op>);
          else
            emit(op, QuantizedNode{graph, node, model.rounding}, program);
        },
        node.op);
  }
  for (const Graph::State& state : graph.states) program.state(state);
}

ConstantBytes Program::constant_bytes() const {
  ConstantBytes sum;
  for (const ConstantBytes& layer : bytes_) {
    sum.weights += layer.weights;
    sum.biases += layer.biases;
    sum.multipliers += layer.multipliers;
    sum.others += layer.others;
  }
  return sum;
}

}  // namespace tuco::deploy
