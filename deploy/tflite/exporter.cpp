#include "tuco/deploy/tflite/exporter.h"

#include <cmath>

#include "tuco/autograd/functions.h"
#include "tuco/core/error.h"
#include "tuco/deploy/tflite/same_padding.h"

namespace tuco::tflite {
namespace {

using schema::ActivationFunctionType;
using schema::BuiltinOperator;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

}  // namespace

int GraphExport::tensor_of(int number) {
  int& tensor = tensors.at(number);
  if (tensor >= 0) return tensor;
  const Graph::Value& value = graph.values[number];
  const std::string name = value.name.empty() ? fmt::format("value{}", number) : value.name;
  if (value.constant.defined())
    tensor = builder.add_constant(name, value.constant, value.quantization);
  else
    tensor = builder.add_tensor(name, int8 ? schema::TensorType::INT8 : schema::TensorType::FLOAT32,
                                shapes[number], value.quantization);
  return tensor;
}

bool NodeExport::is_read(int index) const {
  const int value = node_.outputs[index];
  return !graph().consumers(value).empty() || graph().is_kept(value);
}

int NodeExport::between(const Shape& shape, const std::optional<Quantization>& quantization) {
  return builder().add_tensor(result().name + ".part",
                              int8() ? schema::TensorType::INT8 : schema::TensorType::FLOAT32,
                              shape, int8() ? quantization : std::optional<Quantization>{});
}

int NodeExport::integers(const std::vector<int32_t>& values) {
  return builder().add_constant(result().name + ".numbers",
                                from_values(values, {static_cast<int64_t>(values.size())}));
}

int NodeExport::integers(const Shape& sizes) {
  std::vector<int32_t> values;
  for (const int64_t size : sizes) {
    require<UnsupportedOp>(std::abs(size) <= std::numeric_limits<int32_t>::max(), "the number {}",
                           size);
    values.push_back(static_cast<int32_t>(size));
  }
  return integers(values);
}

int NodeExport::number(double value, const std::optional<Quantization>& quantization) {
  const std::string name = result().name + ".number";
  const Tensor real = full({1}, value);
  if (!int8()) return builder().add_constant(name, real);
  return builder().add_constant(name, deploy::quantize_values(real, quantization.value()),
                                quantization);
}

void NodeExport::add(BuiltinOperator code, const std::vector<int>& inputs,
                     const OptionsOffset& options, std::optional<int> output) {
  add_version(code, int8() ? 2 : 1, inputs, options, output);
}

void NodeExport::add_version(BuiltinOperator code, int version, const std::vector<int>& inputs,
                             const OptionsOffset& options, std::optional<int> output) {
  builder().add_operator(code, version, inputs, {output.value_or(output_)}, options);
}

void NodeExport::add_clamp(int from, const op::Clamp& clamp) {
  const auto [low, high] = clamp;
  if (low == 0 && high == kInfinity) return add(BuiltinOperator::RELU, {from});
  if (low == 0 && high == 6) return add(BuiltinOperator::RELU6, {from});
  const auto options = [&] { return builder().add_options(schema::CreateMaximumMinimumOptions); };
  const bool below = std::isfinite(low), above = std::isfinite(high);
  require<UnsupportedOp>(below || above, "a clamp without bounds");
  const auto& quantization = result().quantization;
  int middle = from;
  if (below) {
    const auto to = above ? std::optional(between(result_shape(), quantization)) : std::nullopt;
    add(BuiltinOperator::MAXIMUM, {from, number(low, quantization)}, options(), to);
    if (to) middle = *to;
  }
  if (above) add(BuiltinOperator::MINIMUM, {middle, number(high, quantization)}, options());
}

std::optional<ActivationFunctionType> activation_of(const op::Clamp& clamp) {
  const auto is = [&](double low, double high) { return clamp.low == low && clamp.high == high; };
  if (is(-kInfinity, kInfinity)) return ActivationFunctionType::NONE;
  if (is(0, kInfinity)) return ActivationFunctionType::RELU;
  if (is(0, 6)) return ActivationFunctionType::RELU6;
  if (is(-1, 1)) return ActivationFunctionType::RELU_N1_TO_1;
  return {};
}

WindowPadding window_padding(const WindowGeometry& g) {
  // As far as the last window reaches; rounding the size up may let it hang over the padding.
  const auto after = [](int64_t size, int64_t before, int64_t results, int64_t kernel,
                        int64_t stride, int64_t dilation) {
    const int64_t reach = (results - 1) * stride + (kernel - 1) * dilation + 1;
    return std::max<int64_t>(0, reach - size - before);
  };
  const Padding used = {
      g.padding.top, after(g.in_h, g.padding.top, g.out_h, g.kernel.h, g.stride.h, g.dilation.h),
      g.padding.left, after(g.in_w, g.padding.left, g.out_w, g.kernel.w, g.stride.w, g.dilation.w)};
  if (used == Padding(0)) return {};
  const Padding same =
      same_padding({g.batch, g.in_h, g.in_w, g.in_c}, g.kernel, g.stride, g.dilation);
  const auto rounded_up = [](int64_t size, int64_t stride) { return (size + stride - 1) / stride; };
  if (used == same && g.out_h == rounded_up(g.in_h, g.stride.h) &&
      g.out_w == rounded_up(g.in_w, g.stride.w))
    return {schema::Padding::SAME, 0};
  return {schema::Padding::VALID, used};
}

int NodeExport::padded_input(const Padding& p, double real) {
  if (p == Padding(0)) return in(0);
  const Shape& x = shape(0);
  const auto& quantization = value(0).quantization;
  const int result =
      between({x[0], x[1] + p.top + p.bottom, x[2] + p.left + p.right, x[3]}, quantization);
  const Tensor sizes = from_values(
      std::vector<int32_t>{0, 0, static_cast<int32_t>(p.top), static_cast<int32_t>(p.bottom),
                           static_cast<int32_t>(p.left), static_cast<int32_t>(p.right), 0, 0},
      {4, 2});
  const int by = builder().add_constant(this->result().name + ".padding", sizes);
  if (real == 0)
    add(BuiltinOperator::PAD, {in(0), by}, builder().add_options(schema::CreatePadOptions), result);
  else
    add(BuiltinOperator::PADV2, {in(0), by, number(real, quantization)},
        builder().add_options(schema::CreatePadV2Options), result);
  return result;
}

}  // namespace tuco::tflite
