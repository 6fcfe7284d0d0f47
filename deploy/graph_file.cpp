#include "tuco/deploy/graph_file.h"

#include <nlohmann/json.hpp>
#include <set>

#include "tuco/core/error.h"
#include "tuco/core/file.h"
#include "tuco/deploy/check_model.h"
#include "tuco/deploy/import_tflite.h"
#include "tuco/deploy/run_graph.h"

namespace tuco::deploy {
namespace {

using Json = nlohmann::ordered_json;
constexpr const char* kGraphKey = "tuco.graph";
constexpr const char* kRoundingKey = "tuco.rounding";

// Attributes to and from JSON. Infinities, which JSON lacks, are texts.
Json to_json(double value) {
  if (std::isfinite(value)) return value;
  return std::isnan(value) ? "nan" : value > 0 ? "inf" : "-inf";
}
Json to_json(const Shape& shape) { return std::vector<int64_t>(shape.begin(), shape.end()); }
Json to_json(Hw hw) { return {hw.h, hw.w}; }
Json to_json(const Padding& p) { return {p.top, p.bottom, p.left, p.right}; }
Json to_json(DType dtype) { return std::string(name(dtype)); }
Json to_json(const Device& device) { return device.to_string(); }
template <std::integral T>
Json to_json(T value) {
  return value;
}

void from_json_to(const Json& json, double& value) {
  if (json.is_string()) {
    const std::string text = json.get<std::string>();
    require<FormatError>(text == "inf" || text == "-inf" || text == "nan", "\"{}\" is not a number",
                         text);
    value = std::stod(text);
  } else {
    value = json.get<double>();
  }
}
void from_json_to(const Json& json, Shape& shape) {
  shape = Shape(json.get<std::vector<int64_t>>());
}
template <size_t N>
std::array<int64_t, N> numbers(const Json& json) {
  require<FormatError>(json.is_array() && json.size() == N, "expected {} numbers, got {}", N,
                       json.dump());
  return json.get<std::array<int64_t, N>>();
}
void from_json_to(const Json& json, Hw& hw) {
  const auto [h, w] = numbers<2>(json);
  hw = {h, w};
}
void from_json_to(const Json& json, Padding& padding) {
  const auto [t, b, l, r] = numbers<4>(json);
  padding = {t, b, l, r};
}
void from_json_to(const Json& json, DType& dtype) {
  const std::string text = json.get<std::string>();
  for (int i = 0; i <= static_cast<int>(DType::bool_); ++i)
    if (name(static_cast<DType>(i)) == text) {
      dtype = static_cast<DType>(i);
      return;
    }
  fail<FormatError>("unknown type \"{}\"", text);
}
void from_json_to(const Json& json, Device& device) {
  require<FormatError>(json == "cpu", "graphs are stored for the CPU, not {}", json.dump());
  device = Device::cpu();
}
template <std::integral T>
void from_json_to(const Json& json, T& value) {
  value = json.get<T>();
}

// Not inlined into the code of every op: the library's own templates are large.
void put(Json& json, std::string_view key, Json value) {
  json[std::string(key)] = std::move(value);
}
const Json& member(const Json& json, std::string_view key) { return json.at(std::string(key)); }

/// Ops that a file may hold: whatever a trace can record.
template <class Op>
constexpr bool is_storable = !std::is_same_v<Op, op::Custom> && !std::is_same_v<Op, op::Random> &&
                             !op::in_list<Op, op::QuantizedList> && !requires(Op op) {
  op.forward;
};

Json op_to_json(const op::Any& any) {
  return std::visit(
      []<class Op>(const Op& op) {
        Json json = {{"op", name(op)}};
        if constexpr (is_storable<Op>)
          Op::fields(
              op, [&](std::string_view key, const auto& value) { put(json, key, to_json(value)); });
        else
          fail<UnsupportedOp>("save_graph: {} cannot be stored", name(op));
        return json;
      },
      any);
}

template <class Op>
bool try_op(const Json& json, const std::string& wanted, op::Any& any) {
  if constexpr (is_storable<Op>) {
    if (Op::name != wanted) return false;
    Op op;
    Op::fields(op,
               [&](std::string_view key, auto& value) { from_json_to(member(json, key), value); });
    any = op;
    return true;
  }
  return false;
}
template <class... Op>
op::Any find_op(const Json& json, const std::variant<Op...>*) {
  const std::string wanted = json.at("op").get<std::string>();
  op::Any any;
  require<FormatError>((try_op<Op>(json, wanted, any) || ...), "unknown op \"{}\"", wanted);
  return any;
}

Json to_json(const Quantization& q) {
  return {{"scale", q.scale}, {"zero_point", q.zero_point}, {"axis", q.axis}};
}

Quantization quantization_from(const Json& json) {
  Quantization q{json.at("scale").get<std::vector<float>>(),
                 json.at("zero_point").get<std::vector<int32_t>>(), json.at("axis").get<int>()};
  require<FormatError>(!q.scale.empty() && q.scale.size() == q.zero_point.size(),
                       "{} scales for {} zero points", q.scale.size(), q.zero_point.size());
  for (const float scale : q.scale)
    require<FormatError>(std::isfinite(scale) && scale > 0, "scale {} is not positive", scale);
  return q;
}

std::string graph_text(const Graph& graph) {
  Json json;
  for (const Graph::Value& value : graph.values) {
    Json entry = {{"name", value.name},
                  {"dtype", to_json(value.meta.dtype)},
                  {"shape", to_json(value.meta.shape)},
                  {"constant", value.constant.defined()}};
    if (value.quantization) entry["quantization"] = to_json(*value.quantization);
    json["values"].push_back(entry);
  }
  json["nodes"] = Json::array();
  for (const Graph::Node& node : graph.nodes) {
    Json entry = op_to_json(node.op);
    entry["name"] = node.name;
    entry["inputs"] = node.inputs;
    entry["outputs"] = node.outputs;
    if (node.activation)
      entry["activation"] = {to_json(node.activation->low), to_json(node.activation->high)};
    json["nodes"].push_back(entry);
  }
  json["inputs"] = graph.inputs;
  json["outputs"] = graph.outputs;
  for (const Graph::State& state : graph.states)
    json["states"].push_back({state.initial, state.before, state.after});
  return json.dump();
}

/// Numbers of values in a file must name values.
std::vector<int> value_numbers(const Json& json, size_t count) {
  const auto numbers = json.get<std::vector<int64_t>>();
  for (const int64_t n : numbers)
    require<FormatError>(n >= 0 && n < static_cast<int64_t>(count), "no value number {}", n);
  return {numbers.begin(), numbers.end()};
}

/// Every value is an input, a state, a constant, or written by exactly one node before it is read.
void check_order(const Graph& graph) {
  std::vector<bool> known(graph.values.size(), false);
  for (size_t v = 0; v < known.size(); ++v) known[v] = graph.values[v].constant.defined();
  for (const int v : graph.given()) {
    require<FormatError>(!known[v], "value {} is an input or a state twice, or constant", v);
    known[v] = true;
  }
  for (const Graph::Node& node : graph.nodes) {
    for (const int v : node.inputs)
      require<FormatError>(known[v], "{} reads value {} before it is there", name(node.op), v);
    require<FormatError>(!node.outputs.empty(), "{} has no outputs", name(node.op));
    for (const int v : node.outputs) {
      require<FormatError>(!known[v], "value {} is written twice", v);
      known[v] = true;
    }
  }
  for (const int v : graph.outputs)
    require<FormatError>(known[v], "output {} is never computed", v);
  for (const Graph::State& state : graph.states)
    require<FormatError>(known[state.after], "state {} is never computed", state.after);
}

/// What a state is in turn is alike.
void check_states(const Graph& graph) {
  for (const Graph::State& state : graph.states) {
    const Graph::Value &initial = graph.values[state.initial], &before = graph.values[state.before],
                       &after = graph.values[state.after];
    require<FormatError>(
        initial.constant.defined() && initial.meta.shape.rank() > 0 && initial.meta.shape[0] == 1,
        "state {} does not begin as a constant for one example", state.before);
    Shape single = before.meta.shape;
    if (single.rank() > 0) single[0] = 1;
    require<FormatError>(initial.meta.shape == single && before.meta.shape == after.meta.shape &&
                             initial.meta.dtype == before.meta.dtype &&
                             before.meta.dtype == after.meta.dtype,
                         "state {} begins as {} {}, is {} {}, and becomes {} {}", state.before,
                         initial.meta.dtype, initial.meta.shape, before.meta.dtype,
                         before.meta.shape, after.meta.dtype, after.meta.shape);
    require<FormatError>(
        initial.quantization == before.quantization && before.quantization == after.quantization,
        "state {} changes its scale", state.before);
  }
}

/// Shapes in the file must be those that the ops give.
void check_shapes(const Graph& graph) {
  for (const int v : graph.given())
    require<FormatError>(graph.values[v].meta.shape.rank() > 0, "input {} has no batch", v);
  require<FormatError>(!graph.inputs.empty() && !graph.outputs.empty(),
                       "a graph needs inputs and outputs");
  const auto shapes = infer_shapes(graph, graph.values[graph.inputs[0]].meta.shape[0]);
  for (size_t v = 0; v < shapes.size(); ++v)
    require<FormatError>(shapes[v] == graph.values[v].meta.shape, "value {} is {}, its op gives {}",
                         v, graph.values[v].meta.shape, shapes[v]);
}

/// Sizes are those of the example, whose batch is small.
void check_size(const Graph::Value& value) {
  for (const int64_t size : value.meta.shape)
    require<FormatError>(size >= 0 && size <= kMaxGraphValue, "size {} of value \"{}\"", size,
                         value.name);
  int64_t elements = 1;
  for (const int64_t size : value.meta.shape) {
    elements *= size;  // at most the square of the limit
    require<FormatError>(elements <= kMaxGraphValue,
                         "value \"{}\" of shape {} has more than {} elements", value.name,
                         value.meta.shape, kMaxGraphValue);
  }
}

Graph parse_graph(const std::string& text, const Safetensors& file) {
  const Json json = Json::parse(text);
  Graph graph;
  for (const Json& entry : json.at("values")) {
    Graph::Value value;
    value.name = entry.at("name").get<std::string>();
    from_json_to(entry.at("dtype"), value.meta.dtype);
    from_json_to(entry.at("shape"), value.meta.shape);
    check_size(value);
    if (entry.at("constant").get<bool>()) {
      const Tensor* tensor = file.find(value.name);
      require<FormatError>(tensor != nullptr, "the constant \"{}\" is not in the file", value.name);
      require<FormatError>(tensor->meta() == value.meta, "the constant \"{}\" is {} {}, not {} {}",
                           value.name, tensor->dtype(), tensor->shape(), value.meta.dtype,
                           value.meta.shape);
      value.constant = *tensor;
    }
    if (entry.contains("quantization"))
      value.quantization = quantization_from(entry["quantization"]);
    graph.values.push_back(std::move(value));
  }
  const size_t count = graph.values.size();
  for (const Json& entry : json.at("nodes")) {
    Graph::Node node{find_op(entry, static_cast<op::Any*>(nullptr)),
                     value_numbers(entry.at("inputs"), count),
                     value_numbers(entry.at("outputs"), count),
                     entry.at("name").get<std::string>(),
                     {}};
    if (entry.contains("activation")) {
      op::Clamp clamp;
      from_json_to(entry["activation"].at(0), clamp.low);
      from_json_to(entry["activation"].at(1), clamp.high);
      require<FormatError>(clamp.low <= clamp.high, "activation from {} to {}", clamp.low,
                           clamp.high);
      node.activation = clamp;
    }
    graph.nodes.push_back(std::move(node));
  }
  graph.inputs = value_numbers(json.at("inputs"), count);
  graph.outputs = value_numbers(json.at("outputs"), count);
  if (json.contains("states"))
    for (const Json& entry : json["states"]) {
      const std::vector<int> numbers = value_numbers(entry, count);
      require<FormatError>(numbers.size() == 3, "a state of {} values, expected 3", numbers.size());
      graph.states.push_back({numbers[0], numbers[1], numbers[2]});
    }
  check_order(graph);
  check_shapes(graph);
  check_states(graph);
  if (has_preprocessing(file.metadata)) graph.preprocessing = preprocessing_from(file.metadata);
  return graph;
}

Graph load(const File& source, Metadata& metadata) {
  const std::string& path = source.name();
  const Safetensors file = load_safetensors(source);
  metadata = file.metadata;
  const auto found = metadata.find(kGraphKey);
  require<FormatError>(found != metadata.end(),
                       "{}: holds weights but no graph (no \"{}\" in its metadata)", path,
                       kGraphKey);
  try {
    return parse_graph(found->second, file);
  } catch (const nlohmann::json::exception& error) {
    fail<FormatError>("{}: the graph is malformed: {}", path, error.what());
  } catch (const Error& error) {
    fail<FormatError>("{}: the graph is wrong: {}", path, error.what());
  }
}

}  // namespace

Metadata graph_metadata(const Graph& graph) {
  Metadata metadata;
  if (graph.preprocessing) metadata = to_metadata(*graph.preprocessing);
  metadata[kGraphKey] = graph_text(graph);
  metadata["tuco.layout"] = "OHWI";
  return metadata;
}

void save_graph(const std::string& path, const Graph& graph, const Metadata& more) {
  NamedTensors constants;
  for (const Graph::Value& value : graph.values)
    if (value.constant.defined()) constants.emplace_back(value.name, value.constant);
  Metadata metadata = graph_metadata(graph);
  metadata.insert(more.begin(), more.end());
  save_safetensors(path, constants, metadata);
}

void save_model(const std::string& path, const QuantizedModel& model, const Metadata& more) {
  Metadata metadata = more;
  metadata[kRoundingKey] = model.rounding == Rounding::kDouble ? "double" : "single";
  save_graph(path, model.graph, metadata);
}

Graph load_graph(const std::string& path) { return load_graph(File::open(path)); }
Graph load_graph(const File& file) {
  if (is_tflite(file)) return import_tflite(file).graph;
  Metadata metadata;
  return load(file, metadata);
}

QuantizedModel load_model(const std::string& path) { return load_model(File::open(path)); }
QuantizedModel load_model(const File& file) {
  StoredNetwork stored = load_network(file);
  require<FormatError>(stored.rounding.has_value(), "{}: holds a float graph, expected an int8 one",
                       file.name());
  return {std::move(stored.graph), *stored.rounding};
}

StoredNetwork load_network(const File& file) {
  if (is_tflite(file)) return import_tflite(file);
  const std::string& path = file.name();
  StoredNetwork stored;
  stored.graph = load(file, stored.metadata);
  if (!is_quantized(stored.graph)) return stored;
  const std::string rounding = stored.metadata[kRoundingKey];
  require<FormatError>(rounding == "double" || rounding == "single",
                       "{}: rounding is \"{}\", expected double or single", path, rounding);
  stored.rounding = rounding == "double" ? Rounding::kDouble : Rounding::kSingle;
  try {
    check_model({stored.graph, *stored.rounding});
  } catch (const Error& error) {
    fail<FormatError>("{}: the int8 model is wrong: {}", path, error.what());
  }
  return stored;
}

bool is_quantized(const Graph& graph) {
  return std::ranges::all_of(graph.outputs,
                             [&](int v) { return graph.values[v].quantization.has_value(); });
}

}  // namespace tuco::deploy
