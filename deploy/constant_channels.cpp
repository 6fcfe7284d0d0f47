#include "tuco/deploy/constant_channels.h"

#include "tuco/deploy/interpreter.h"
#include "tuco/deploy/reference_arithmetic.h"

namespace tuco::deploy {
namespace {

/// Sums, biases included, stay below this.
constexpr int64_t kMaxSum = int64_t{1} << 30;

/// The value of each channel that is constant.
using Constants = std::vector<std::optional<int32_t>>;

bool is_depthwise(const op::Conv2d& conv, const Shape& weight) {
  return conv.groups > 1 && conv.groups == weight[0] && weight[3] == 1;
}

/// A convolution without groups, a depthwise one, or a linear layer of a quantized graph.
struct Layer {
  Graph* graph;
  int number;

  Graph::Node& node() const { return graph->nodes[number]; }
  op::Conv2d* conv() const { return std::get_if<op::Conv2d>(&node().op); }
  const Graph::Value& input() const { return graph->values[node().inputs[0]]; }
  const Graph::Value& weight() const { return graph->values[node().inputs[1]]; }
  bool depthwise() const { return conv() && is_depthwise(*conv(), weight().meta.shape); }
  bool padded() const { return conv() && !(conv()->padding == Padding(0)); }
  int64_t channels() const { return weight().meta.shape[0]; }
  int32_t zero_point() const { return input().quantization->zero_point[0]; }
  std::vector<int32_t> biases() const {
    if (node().inputs.size() > 2)
      return graph->values[node().inputs[2]].constant.to_vector<int32_t>();
    return std::vector<int32_t>(channels(), 0);
  }

  static std::optional<Layer> at(Graph& graph, int number) {
    const Layer layer{&graph, number};
    const op::Conv2d* conv = layer.conv();
    if (std::holds_alternative<op::Linear>(layer.node().op)) return layer;
    if (!conv || !(conv->groups == 1 || layer.depthwise())) return std::nullopt;
    return layer;
  }
};

template <class T>
std::vector<T> chosen(const std::vector<T>& all, const std::vector<int64_t>& kept) {
  if (all.size() <= 1) return all;  // one for all channels
  std::vector<T> result;
  for (const int64_t c : kept) result.push_back(all[c]);
  return result;
}

Quantization chosen(const Quantization& all, const std::vector<int64_t>& kept) {
  return {chosen(all.scale, kept), chosen(all.zero_point, kept), all.axis};
}

/// Leaves the layer the weights of these of its output channels.
void keep_outputs(const Layer& layer, const std::vector<int64_t>& kept) {
  Graph& graph = *layer.graph;
  const auto count = static_cast<int64_t>(kept.size());
  const Graph::Value weight = layer.weight();
  const int64_t depth = weight.meta.shape.numel() / layer.channels();
  const bool depthwise = layer.depthwise();
  std::vector<int8_t> values;
  for (const int64_t c : kept) {
    const int8_t* row = weight.constant.data<int8_t>() + c * depth;
    values.insert(values.end(), row, row + depth);
  }
  Shape shape = weight.meta.shape;
  shape[0] = count;
  const Tensor tensor = from_values(values, shape);
  Graph::Node& node = layer.node();
  if (node.inputs.size() > 2) {
    const Graph::Value bias = graph.values[node.inputs[2]];
    const Tensor biases = from_values(chosen(bias.constant.to_vector<int32_t>(), kept), {count});
    node.inputs[2] =
        graph.add_value({bias.name, biases.meta(), biases, chosen(*bias.quantization, kept)});
  }
  node.inputs[1] =
      graph.add_value({weight.name, tensor.meta(), tensor, chosen(*weight.quantization, kept)});
  if (depthwise) layer.conv()->groups = count;
}

/// Leaves the layer these of its input channels, which a linear layer may have several times, one
/// for each place of an image; the constant ones that go leave what they add in the bias. False,
/// and nothing, where that would not fit.
bool keep_inputs(const Layer& layer, const std::vector<int64_t>& kept, const Constants& constant) {
  Graph& graph = *layer.graph;
  const Graph::Value weight = layer.weight();
  const Shape& shape = weight.meta.shape;
  const auto in = static_cast<int64_t>(constant.size());
  const int64_t taps = shape.numel() / shape[0] / in;
  const int8_t* from = weight.constant.data<int8_t>();
  std::vector<bool> stays(in, false);
  for (const int64_t c : kept) stays[c] = true;
  std::vector<int8_t> values;
  std::vector<int32_t> biases = layer.biases();
  for (int64_t o = 0; o < shape[0]; ++o) {
    int64_t bias = biases[o];
    for (int64_t i = 0; i < taps * in; ++i) {
      const int8_t w = from[o * taps * in + i];
      if (stays[i % in])
        values.push_back(w);
      else
        bias += int64_t{w} * (*constant[i % in] - layer.zero_point());
    }
    if (bias != biases[o] && std::abs(bias) >= kMaxSum) return false;
    biases[o] = static_cast<int32_t>(bias);
  }
  Shape narrow = shape;
  narrow[shape.rank() - 1] = shape[shape.rank() - 1] / in * static_cast<int64_t>(kept.size());
  const Tensor tensor = from_values(values, narrow);
  const Tensor sums = from_values(biases, {shape[0]});
  Graph::Node& node = layer.node();
  Quantization of_bias = *weight.quantization;
  for (float& scale : of_bias.scale) scale *= layer.input().quantization->scale[0];
  Graph::Value bias{weight.name + ".bias", sums.meta(), sums, of_bias};
  if (node.inputs.size() > 2) {
    bias.name = graph.values[node.inputs[2]].name;
    bias.quantization = graph.values[node.inputs[2]].quantization;
    node.inputs.pop_back();
  }
  node.inputs[1] = graph.add_value({weight.name, tensor.meta(), tensor, weight.quantization});
  node.inputs.push_back(graph.add_value(std::move(bias)));
  return true;
}

/// The node that alone reads what this one computes, as its first input; or -1.
int only_reader(const Graph& graph, int number) {
  const int output = graph.nodes[number].outputs[0];
  const auto readers = graph.consumers(output);
  if (readers.size() != 1 || graph.is_kept(output)) return -1;
  const auto& inputs = graph.nodes[readers[0]].inputs;
  return inputs[0] == output && std::ranges::count(inputs, output) == 1 ? readers[0] : -1;
}

int64_t last_size(const Shape& shape) { return shape[shape.rank() - 1]; }

/// Whether each output channel of the node comes from the input channel of the same number alone,
/// or, of a flattened image, from that of the number modulo their count.
bool keeps_channels(Graph& graph, int number) {
  const Graph::Node& node = graph.nodes[number];
  const Shape &in = graph.values[node.inputs[0]].meta.shape,
              &out = graph.values[node.outputs[0]].meta.shape;
  return std::visit(
      [&]<class Op>(const Op& op) {
        if constexpr (op::in_list<Op, op::TypeList<op::MaxPool2d, op::AvgPool2d>>) {
          return true;
        } else if constexpr (op::Unary<Op>) {
          return not_quantizable<Op> == nullptr;
        } else if constexpr (std::is_same_v<Op, op::Mean>) {
          return std::ranges::none_of(op.dims, [&](int64_t d) { return d + 1 == in.rank(); });
        } else if constexpr (std::is_same_v<Op, op::Pad>) {
          return op.before[3] == 0 && op.after[3] == 0;
        } else if constexpr (std::is_same_v<Op, op::Reshape>) {
          return out.rank() == 2 && last_size(out) % last_size(in) == 0;
        } else {
          const auto layer = Layer::at(graph, number);
          return layer && layer->depthwise();
        }
      },
      node.op);
}

/// What a node that keeps channels makes of constant ones, where that is the same at all places.
Constants after(const QuantizedModel& model, int number, const Constants& constant) {
  if (std::ranges::none_of(constant, [](const auto& value) { return value.has_value(); }))
    return constant;
  const Graph::Node& node = model.graph.nodes[number];
  const auto count = static_cast<int64_t>(constant.size());
  QuantizedModel alone{.rounding = model.rounding};
  Graph::Node copy = node;
  for (int& value : copy.inputs) value = alone.graph.add_value(model.graph.values[value]);
  for (int& value : copy.outputs) value = alone.graph.add_value(model.graph.values[value]);
  alone.graph.inputs = {copy.inputs[0]};
  alone.graph.outputs = copy.outputs;
  alone.graph.nodes = {copy};
  std::vector<int8_t> image(alone.graph.values[copy.inputs[0]].meta.shape.numel());
  for (size_t i = 0; i < image.size(); ++i)
    image[i] = static_cast<int8_t>(constant[static_cast<int64_t>(i) % count].value_or(0));
  const auto output =
      interpret(alone, from_values(image, alone.graph.values[copy.inputs[0]].meta.shape))
          .to_vector<int8_t>();
  Constants result = constant;
  for (size_t i = 0; i < output.size(); ++i) {
    auto& value = result[static_cast<int64_t>(i) % count];
    if (static_cast<int64_t>(i) < count && value) value = output[i];
    if (value != output[i]) value.reset();
  }
  return result;
}

/// The channels that the layer makes constant, whatever comes in.
Constants made_constant(const QuantizedNode& node) {
  const auto multipliers = node.channel_multipliers();
  Constants constant;
  for (size_t c = 0; c < multipliers.size(); ++c)
    constant.push_back(constant_output(node, static_cast<int64_t>(c), multipliers[c]));
  return constant;
}

/// Which channels stay: those that change, and so many others that kernels stay fast.
std::vector<int64_t> channels_to_keep(const Constants& removable) {
  const auto all = static_cast<int64_t>(removable.size());
  const int64_t changing =
      std::ranges::count_if(removable, [](const auto& value) { return !value; });
  const int64_t step = all % 4 == 0 ? 4 : 1;
  int64_t spare = std::max(step, (changing + step - 1) / step * step) - changing;
  std::vector<int64_t> kept;
  for (int64_t c = 0; c < all; ++c)
    if (!removable[c] || spare-- > 0) kept.push_back(c);
  return kept;
}

/// Leaves what a node computes the channels `kept` of `all`.
void narrow(Graph& graph, int number, const std::vector<int64_t>& kept, int64_t all) {
  Graph::Node& node = graph.nodes[number];
  if (const auto layer = Layer::at(graph, number)) keep_outputs(*layer, kept);
  const auto count = static_cast<int64_t>(kept.size());
  Shape& shape = graph.values[node.outputs[0]].meta.shape;
  shape[shape.rank() - 1] = last_size(shape) / all * count;
  if (auto* reshape = std::get_if<op::Reshape>(&node.op)) reshape->shape = {-1, last_size(shape)};
}

/// Removes channels between the layer at `number`, which sums over all of its inputs, and the next
/// such one; those that keep channels may stand between.
void drop_after(QuantizedModel& model, int number) {
  Graph& graph = model.graph;
  const auto first = Layer::at(graph, number);
  if (!first || first->depthwise()) return;
  const int64_t channels = first->channels();
  std::vector<int> chain = {number};
  Constants constant = made_constant({graph, first->node(), model.rounding});
  for (;;) {
    const int reader = only_reader(graph, chain.back());
    if (reader < 0) return;
    if (keeps_channels(graph, reader)) {
      constant = after(model, reader, constant);
      if (const auto layer = Layer::at(graph, reader)) {
        const Constants made = made_constant({graph, layer->node(), model.rounding});
        for (int64_t c = 0; c < channels; ++c)
          if (made[c]) constant[c] = made[c];
      }
      chain.push_back(reader);
      continue;
    }
    const auto last = Layer::at(graph, reader);
    if (!last) return;
    // What adds the same at every place of the output.
    for (auto& value : constant)
      if (last->padded() && value != last->zero_point()) value.reset();
    const auto kept = channels_to_keep(constant);
    if (static_cast<int64_t>(kept.size()) == channels || !keep_inputs(*last, kept, constant))
      return;
    for (const int each : chain) narrow(graph, each, kept, channels);
    return;
  }
}

}  // namespace

std::optional<int32_t> constant_output(const QuantizedNode& node, int64_t channel,
                                       const Multiplier& multiplier) {
  constexpr int64_t kLow = -128, kHigh = 127;
  const Tensor& weight = node.input(1).constant;
  const int64_t depth = weight.numel() / weight.dim(0);
  const int8_t* weights = weight.data<int8_t>() + channel * depth;
  const int64_t zero_point = node.input_zero_point(0);
  int64_t least = node.inputs() > 2 ? node.input(2).constant.data<int32_t>()[channel] : 0;
  int64_t most = least;
  for (int64_t k = 0; k < depth; ++k) {
    const auto [smaller, larger] =
        std::minmax({weights[k] * (kLow - zero_point), weights[k] * (kHigh - zero_point)});
    least += smaller;
    most += larger;
  }
  if (std::max(std::abs(least), std::abs(most)) > std::numeric_limits<int32_t>::max())
    return std::nullopt;
  const auto bounds = node.bounds();
  const auto at = [&](int64_t sum) -> int32_t {
    return requantized(static_cast<int32_t>(sum), multiplier, node.rounding,
                       node.output_zero_point(), bounds.low, bounds.high);
  };
  return at(least) == at(most) ? std::optional(at(least)) : std::nullopt;
}

QuantizedModel without_constant_channels(const QuantizedModel& model) {
  QuantizedModel result = model;
  const int nodes = static_cast<int>(result.graph.nodes.size());
  for (int n = 0; n < nodes; ++n) drop_after(result, n);
  result.graph.remove_unused();
  return result;
}

}  // namespace tuco::deploy
