#include "tuco/deploy/tflite/importer.h"

#include <bit>
#include <cstring>
#include <set>

#include "tuco/autograd/functions.h"
#include "tuco/autograd/grad_mode.h"
#include "tuco/autograd/run_op.h"
#include "tuco/deploy/check_model.h"
#include "tuco/deploy/graph_file.h"
#include "tuco/deploy/passes.h"
#include "tuco/deploy/rules.h"
#include "tuco/deploy/tflite/limits.h"
#include "tuco/deploy/tflite/operators.h"

namespace tuco::tflite {
namespace {

using schema::TensorType;

/// What a file may ask for, in multiples of its size and beyond: memory for constants (many tensors
/// may share a buffer, and floats take more than what they are stored as), and looks at constants.
constexpr int64_t kMemoryFactor = 16, kUseFactor = 256, kFree = 1 << 20;

/// Names of modules, by which people know their layers, end where the converter appends others.
std::string module_name(const TensorView& tensor) {
  const std::string name = tensor.name();
  return name.substr(0, name.find(';'));
}

std::string value_name(const TensorView& tensor, int index) {
  const std::string name = tensor.name();
  return name.empty() ? fmt::format("tensor{}", index) : name;
}

float half_to_float(uint16_t half) {
  const uint32_t sign = (half & 0x8000u) << 16, exponent = half >> 10 & 31, fraction = half & 1023;
  if (exponent == 0) {
    const float value = std::ldexp(static_cast<float>(fraction), -24);
    return sign ? -value : value;
  }
  return std::bit_cast<float>(sign | (exponent == 31 ? 255u : exponent + 112) << 23 |
                              fraction << 13);
}

template <class T>
Tensor tensor_of(const TensorView& view) {
  std::vector<T> values(view.shape.numel());
  std::memcpy(values.data(), view.bytes.data(), view.bytes.size());
  return from_values(values, view.shape);
}

Tensor float_of(const TensorView& view) {
  switch (view.type()) {
    case TensorType::FLOAT32:
      return tensor_of<float>(view);
    case TensorType::FLOAT16: {
      std::vector<float> values(view.shape.numel());
      for (size_t i = 0; i < values.size(); ++i)
        values[i] =
            half_to_float(static_cast<uint16_t>(view.bytes[2 * i] | view.bytes[2 * i + 1] << 8));
      return from_values(values, view.shape);
    }
    case TensorType::INT8: {
      const auto quantization = view.quantization();
      require<FormatError>(quantization.has_value(), "int8 constant \"{}\" has no scale",
                           view.name());
      return deploy::dequantize_values(tensor_of<int8_t>(view), *quantization);
    }
    default:
      fail<UnsupportedOp>("constant \"{}\" is {}, expected FLOAT32, FLOAT16 or INT8", view.name(),
                          view.type_name());
  }
}

Tensor integers_of(const TensorView& view) {
  if (view.type() == TensorType::INT8) return tensor_of<int8_t>(view);
  require<UnsupportedOp>(view.type() == TensorType::INT32,
                         "constant \"{}\" is {}, expected INT8 or INT32", view.name(),
                         view.type_name());
  return tensor_of<int32_t>(view);
}

void check_filled(const TensorView& tensor) {
  require<FormatError>(tensor.shape.numel() > 0, "\"{}\" of shape {} is empty", tensor.name(),
                       tensor.shape);
}

Shape with_larger_batch(Shape shape) {
  ++shape[0];
  return shape;
}

}  // namespace

float positive(float scale) {
  return std::clamp(scale, std::numeric_limits<float>::min(), std::numeric_limits<float>::max());
}

Importer::Importer(const FileModel& file)
    : file_(file),
      values_(file.tensors().size(), -1),
      bytes_left_(kMemoryFactor * file.size() + kFree),
      uses_left_(kUseFactor * file.size() + kFree) {
  const auto computed_in_int8 = [&](int32_t tensor) {
    return tensor >= 0 && file.tensors()[tensor].type() == TensorType::INT8 &&
           !file.tensors()[tensor].is_constant();
  };
  int8_ = std::ranges::any_of(file.operators(), [&](const OperatorView& op) {
    return std::ranges::any_of(op.inputs, computed_in_int8) ||
           std::ranges::any_of(op.outputs, computed_in_int8);
  });
  require<UnsupportedOp>(!file.operators().empty(), "a graph without operators");
  NoGrad quiet;
  add_inputs();
  add_operators();
  add_outputs();
  add_states();
  graph_.remove_unused();
  deploy::make_names_unique(graph_);
}

void Importer::spend(int64_t bytes) {
  uses_left_ -= bytes;
  require<FormatError>(uses_left_ >= 0, "constants are used too often for a file of {} bytes",
                       file_.size());
}

int Importer::add_value(Graph::Value value, const Shape& at_next_batch) {
  at_next_batch_.push_back(at_next_batch);
  return graph_.add_value(std::move(value));
}

void Importer::add_inputs() {
  for (const int32_t index : file_.inputs()) {
    const TensorView& tensor = file_.tensors()[index];
    const auto is = [&](TensorType type) { return tensor.type() == type; };
    require<UnsupportedOp>(
        is(TensorType::FLOAT32) || (int8_ && (is(TensorType::INT8) || is(TensorType::UINT8))),
        "input \"{}\" is {}, in a network of {}", tensor.name(), tensor.type_name(),
        int8_ ? "INT8" : "FLOAT32");
    require<FormatError>(!tensor.is_constant() && values_[index] < 0,
                         "input \"{}\" is a constant, or an input twice", tensor.name());
    require<FormatError>(tensor.shape.rank() > 0, "input \"{}\" has no batch", tensor.name());
    check_filled(tensor);
    // The input of another type is the quantized one's place-holder, until QUANTIZE names that.
    Graph::Value value{value_name(tensor, index), {tensor.shape, DType::float32}, {}, {}};
    if (int8_ && is(TensorType::INT8)) {
      value.meta.dtype = DType::int8;
      value.quantization = tensor.quantization();
      require<FormatError>(value.quantization.has_value(), "input \"{}\" has no scale",
                           tensor.name());
    }
    values_[index] = add_value(std::move(value), with_larger_batch(tensor.shape));
    graph_.inputs.push_back(values_[index]);
  }
}

void Importer::add_operators() {
  const auto& operators = file_.operators();
  for (size_t i = 0; i < operators.size(); ++i) {
    const OperatorView& view = operators[i];
    // The first output names the layer.
    const auto where = [&] {
      const std::string output =
          view.outputs.empty() ? "" : file_.tensors()[view.outputs[0]].name();
      return fmt::format("operator {} ({}): ", i, view.name) +
             (output.empty() ? "" : fmt::format("for \"{}\": ", output));
    };
    try {
      const ImportRule rule = import_rule(view.code);
      require<UnsupportedOp>(rule != nullptr, "Tuco has no such operator");
      const size_t nodes = graph_.nodes.size();
      OperatorImport op(*this, view);
      rule(op);
      for (size_t n = nodes; int8_ && n < graph_.nodes.size(); ++n) {
        deploy::check_node(graph_, graph_.nodes[n]);
        check_limits(graph_, graph_.nodes[n]);
      }
    } catch (const UnsupportedOp& error) {
      fail<UnsupportedOp>("{}{}", where(), error.what());
    } catch (const Error& error) {
      fail<FormatError>("{}{}", where(), error.what());
    }
  }
}

void Importer::add_outputs() {
  for (const int32_t index : file_.outputs()) {
    const TensorView& tensor = file_.tensors()[index];
    const int value = values_[index];
    require<FormatError>(value >= 0, "output \"{}\" is computed by no operator", tensor.name());
    require<UnsupportedOp>(graph_.values[value].quantization.has_value() == int8_,
                           "output \"{}\" is {}, in a network of {}", tensor.name(),
                           tensor.type_name(), int8_ ? "INT8" : "FLOAT32");
    graph_.outputs.push_back(value);
  }
  for (const int value : graph_.inputs)
    require<UnsupportedOp>(graph_.values[value].quantization.has_value() == int8_,
                           "input \"{}\" is not INT8, and no QUANTIZE makes it so",
                           graph_.values[value].name);
}

void Importer::add_states() {
  require<UnsupportedOp>(file_.graphs().size() == 1 + variables_.graphs.size(),
                         "{} subgraphs, expected one and those that CALL_ONCE names",
                         file_.graphs().size());
  for (const auto& [name, variable] : variables_.by_name)
    if (variable.before >= 0) graph_.states[variable.state].after = variable.current;
  for (const Graph::State& state : graph_.states) {
    const Graph::Value &before = graph_.values[state.before], &after = graph_.values[state.after];
    require<FormatError>(before.meta == after.meta && before.quantization == after.quantization,
                         "variable \"{}\" is {} {} and becomes {} {}, or its scale changes",
                         before.name, before.meta.dtype, before.meta.shape, after.meta.dtype,
                         after.meta.shape);
  }
}

int OperatorImport::output_index() const {
  output();
  return op_.outputs[0];
}

Variable& OperatorImport::variable(int i) {
  input(i);
  const auto found = importer_.variables_.handles.find(op_.inputs[i]);
  require<FormatError>(found != importer_.variables_.handles.end(), "input {} is no variable", i);
  return importer_.variables_.by_name[found->second];
}

int OperatorImport::variable_tensor(int i, const Shape& shape) {
  const TensorView& tensor = input(i);
  require<UnsupportedOp>(tensor.table->is_variable(), "input {} (\"{}\") is no variable", i,
                         tensor.name());
  require<FormatError>(tensor.shape == shape, "variable \"{}\" is {}, expected {}", tensor.name(),
                       tensor.shape, shape);
  require<FormatError>(importer_.values_[op_.inputs[i]] < 0, "variable \"{}\" is there already",
                       tensor.name());
  const int before = add_state(tensor, op_.inputs[i], {});
  importer_.values_[op_.inputs[i]] = before;
  return before;
}

void OperatorImport::give_with_states(const op::Any& op, const std::vector<int>& inputs,
                                      const std::vector<int>& states) {
  give(op, inputs);
  Graph& graph = importer_.graph_;
  for (const int before : states) {
    Graph::Value after = graph.values[before];
    after.name += ".next";
    const int value = importer_.add_value(std::move(after), importer_.at_next_batch_[before]);
    graph.nodes.back().outputs.push_back(value);
    for (Graph::State& state : graph.states)
      if (state.before == before) state.after = value;
  }
}

int OperatorImport::add_state(const TensorView& tensor, int index, const Tensor& initial) {
  using enum TensorType;
  const DType dtype = !int8()                  ? DType::float32
                      : tensor.type() == INT16 ? DType::int16
                                               : DType::int8;
  require<UnsupportedOp>(
      int8() ? tensor.type() == INT8 || tensor.type() == INT16 : tensor.type() == FLOAT32,
      "variable \"{}\" is {}, in a network of {}", tensor.name(), tensor.type_name(),
      int8() ? "INT8" : "FLOAT32");
  check_filled(tensor);
  require<UnsupportedOp>(tensor.shape.rank() > 0 && tensor.shape[0] == 1,
                         "variable \"{}\" of shape {} is not for a batch of one", tensor.name(),
                         tensor.shape);
  const TensorMeta meta{tensor.shape, dtype};
  const auto quantization = quantization_of(tensor);
  const double zero = dtype == DType::int8 ? quantization->zero_point[0] : 0;
  const Tensor first = initial.defined() ? initial : full(tensor.shape, zero, {dtype});
  require<FormatError>(first.meta() == meta, "variable \"{}\" is {} {} and begins as {} {}",
                       tensor.name(), dtype, tensor.shape, first.dtype(), first.shape());
  importer_.spend(first.numel());
  importer_.bytes_left_ -= first.numel() * static_cast<int64_t>(size_of(dtype));
  const std::string name = value_name(tensor, index);
  const int constant =
      importer_.add_value({name + ".initial", meta, first, quantization}, tensor.shape);
  const int before =
      importer_.add_value({name, meta, {}, quantization}, with_larger_batch(tensor.shape));
  importer_.graph_.states.push_back({constant, before, before});
  return before;
}

const TensorView& OperatorImport::input(int i) const {
  require<FormatError>(has(i), "input {} is missing", i);
  return importer_.file_.tensors()[op_.inputs[i]];
}

const TensorView& OperatorImport::output(int i) const {
  require<FormatError>(i < outputs(), "output {} is missing", i);
  return importer_.file_.tensors()[op_.outputs[i]];
}

std::optional<Quantization> OperatorImport::quantization_of(const TensorView& tensor) const {
  if (!int8()) return {};
  const auto quantization = tensor.quantization();
  require<FormatError>(quantization && quantization->axis < 0, "\"{}\" has {} scales, expected one",
                       tensor.name(), quantization ? quantization->scale.size() : 0);
  return quantization;
}

int OperatorImport::activation(int i) {
  const TensorView& tensor = input(i);
  const TensorType expected = int8() ? TensorType::INT8 : TensorType::FLOAT32;
  require<UnsupportedOp>(tensor.type() == expected, "input {} (\"{}\") is {}, expected {}", i,
                         tensor.name(), tensor.type_name(), schema::EnumNameTensorType(expected));
  require<UnsupportedOp>(!is_constant(i), "input {} (\"{}\") is a constant", i, tensor.name());
  require<UnsupportedOp>(!tensor.table->is_variable(),
                         "input {} (\"{}\") is a variable, which networks here do not have", i,
                         tensor.name());
  const int value = importer_.values_[op_.inputs[i]];
  require<FormatError>(value >= 0, "input {} (\"{}\") is not computed before", i, tensor.name());
  return value;
}

bool OperatorImport::is_constant(int i) const {
  const TensorView& tensor = input(i);
  const int value = importer_.values_[op_.inputs[i]];
  // DEQUANTIZE makes constants, too.
  return tensor.is_constant() || (value >= 0 && importer_.graph_.values[value].constant.defined());
}

int OperatorImport::operand(int i) {
  if (!is_constant(i)) return activation(i);
  return add_constant(i, constant(i), quantization_of(input(i)));
}

std::vector<int64_t> OperatorImport::integers(int i) {
  const TensorView& tensor = input(i);
  // An empty one has no bytes.
  if (tensor.shape.numel() == 0) return {};
  require<UnsupportedOp>(tensor.is_constant(), "input {} (\"{}\") is not constant", i,
                         tensor.name());
  importer_.spend(static_cast<int64_t>(tensor.bytes.size()));
  if (tensor.type() == TensorType::INT64) return tensor_of<int64_t>(tensor).to_vector<int64_t>();
  require<UnsupportedOp>(tensor.type() == TensorType::INT32,
                         "input {} (\"{}\") is {}, expected INT32 or INT64", i, tensor.name(),
                         tensor.type_name());
  const auto values = tensor_of<int32_t>(tensor).to_vector<int32_t>();
  return {values.begin(), values.end()};
}

Tensor OperatorImport::constant(int i) {
  const TensorView& tensor = input(i);
  require<UnsupportedOp>(is_constant(i), "input {} (\"{}\") is not constant", i, tensor.name());
  check_filled(tensor);
  importer_.spend(tensor.shape.numel());
  if (!tensor.is_constant())
    return importer_.graph_.values[importer_.values_[op_.inputs[i]]].constant;
  Tensor& kept = importer_.constants_[op_.inputs[i]];
  if (!kept.defined()) kept = elements(tensor);
  return kept;
}

Tensor OperatorImport::elements(const TensorView& tensor) {
  importer_.spend(tensor.shape.numel());
  return int8() ? integers_of(tensor) : float_of(tensor);
}

int OperatorImport::add_constant(int i, const Tensor& tensor,
                                 std::optional<Quantization> quantization) {
  importer_.bytes_left_ -= tensor.numel() * static_cast<int64_t>(size_of(tensor.dtype()));
  require<FormatError>(importer_.bytes_left_ >= 0,
                       "constants take too much memory for a file of {} bytes",
                       importer_.file_.size());
  return importer_.add_value(
      {value_name(input(i), op_.inputs[i]), tensor.meta(), tensor, std::move(quantization)},
      tensor.shape());
}

std::optional<Quantization> OperatorImport::weight_scales(int i, int axis) {
  if (!int8()) return {};
  const TensorView& tensor = input(i);
  require<UnsupportedOp>(tensor.type() == TensorType::INT8, "weight \"{}\" is {}, expected INT8",
                         tensor.name(), tensor.type_name());
  auto quantization = tensor.quantization();
  require<FormatError>(quantization.has_value(), "weight \"{}\" has no scale", tensor.name());
  require<UnsupportedOp>(quantization->axis < 0 || quantization->axis == axis,
                         "weight \"{}\" has scales along dimension {}, expected {}", tensor.name(),
                         quantization->axis, axis);
  require<UnsupportedOp>(
      std::ranges::all_of(quantization->zero_point, [](int32_t z) { return z == 0; }),
      "weight \"{}\" has a zero point other than 0", tensor.name());
  if (quantization->axis < 0) {
    const auto channels = static_cast<size_t>(tensor.shape[axis]);
    quantization->scale.resize(channels, quantization->scale[0]);
    quantization->zero_point.resize(channels, 0);
  }
  quantization->axis = 0;
  return quantization;
}

void OperatorImport::add_bias(int i, std::vector<int>& inputs) {
  if (!has(i)) return;
  const Graph::Value &x = importer_.graph_.values[inputs.at(0)],
                     &weight = importer_.graph_.values[inputs.at(1)];
  const int64_t channels = weight.meta.shape[0];
  const Tensor tensor = constant(i);
  require<FormatError>(tensor.numel() == channels, "bias \"{}\" of shape {}, expected {} numbers",
                       input(i).name(), tensor.shape(), channels);
  require<UnsupportedOp>(tensor.dtype() == (int8() ? DType::int32 : DType::float32),
                         "bias \"{}\" is {}", input(i).name(), input(i).type_name());
  // No executor looks at the scales that the file gives a bias.
  std::optional<Quantization> quantization = weight.quantization;
  if (quantization)
    for (float& scale : quantization->scale) scale = positive(scale * x.quantization->scale[0]);
  inputs.push_back(add_constant(i, reshape(tensor, {channels}), quantization));
}

int OperatorImport::result_of(const op::Any& op, const std::vector<int>& inputs, Graph::Value value,
                              const Shape* expected, const std::optional<op::Clamp>& activation) {
  Importer& importer = importer_;
  std::vector<TensorMeta> now, next;
  for (const int v : inputs) {
    // The rules know the ops on real numbers, which the integers stand for.
    now.push_back({importer.graph_.values[v].meta.shape});
    next.push_back({importer.at_next_batch_[v]});
  }
  const Shape shape = infer_op(op, now).at(0).shape, next_shape = infer_op(op, next).at(0).shape;
  require<FormatError>(!expected || shape == *expected, "it gives {}, the file says {}", shape,
                       expected ? *expected : shape);
  require<UnsupportedOp>(shape.rank() > 0 && next_shape == with_larger_batch(shape),
                         "its result {} does not have the batch as its first dimension, and there "
                         "alone",
                         shape);
  require<FormatError>(shape.numel() > 0 && shape.numel() <= deploy::kMaxGraphValue,
                       "its result {} is empty, or too large", shape);
  value.meta = {shape, int8() ? DType::int8 : DType::float32};
  const int result = importer.add_value(std::move(value), next_shape);
  importer.graph_.nodes.push_back({op, inputs, {result}, module_name(output()), activation});
  return result;
}

void OperatorImport::give(const op::Any& op, const std::vector<int>& inputs,
                          const std::optional<op::Clamp>& activation, int index) {
  const TensorView& tensor = output(index);
  const TensorType expected = int8() ? TensorType::INT8 : TensorType::FLOAT32;
  require<UnsupportedOp>(tensor.type() == expected, "its result \"{}\" is {}, expected {}",
                         tensor.name(), tensor.type_name(), schema::EnumNameTensorType(expected));
  const auto quantization = quantization_of(tensor);
  const bool inside = activation && deploy::takes_activation(op);
  Graph::Value value{value_name(tensor, op_.outputs[index]), {}, {}, quantization};
  int result =
      result_of(op, inputs, value, &tensor.shape, inside ? activation : std::optional<op::Clamp>{});
  if (activation && !inside) result = result_of(*activation, {result}, value, &tensor.shape, {});
  pass(result, index);
}

int OperatorImport::between(const op::Any& op, const std::vector<int>& inputs,
                            const std::optional<Quantization>& quantization) {
  Graph::Value value{output().name() + ".part", {}, {}, quantization};
  if (int8() && !quantization)
    value.quantization = importer_.graph_.values[inputs.at(0)].quantization;
  return result_of(op, inputs, std::move(value), nullptr, {});
}

void OperatorImport::pass(int value, int index) {
  const TensorView& tensor = output(index);
  require<FormatError>(importer_.values_[op_.outputs[index]] < 0 && !tensor.is_constant(),
                       "its result \"{}\" is there already", tensor.name());
  importer_.values_[op_.outputs[index]] = value;
}

bool OperatorImport::take_over_input() {
  if (!int8() || !has(0) || input(0).type() == TensorType::INT8) return false;
  const int v = importer_.values_[op_.inputs[0]];
  if (v < 0 || !std::ranges::count(importer_.graph_.inputs, v)) return false;
  Graph::Value& value = importer_.graph_.values[v];
  const auto quantization = quantization_of(output());
  require<FormatError>(output().shape == input(0).shape, "it gives {} from {}", output().shape,
                       input(0).shape);
  require<UnsupportedOp>(!value.quantization || value.quantization == quantization,
                         "input \"{}\" is quantized in two ways", input(0).name());
  value.quantization = quantization;
  value.meta.dtype = DType::int8;
  pass(v);
  return true;
}

bool OperatorImport::gives_network_output() const {
  return std::ranges::count(importer_.file_.outputs(), op_.outputs[0]) > 0;
}

}  // namespace tuco::tflite
