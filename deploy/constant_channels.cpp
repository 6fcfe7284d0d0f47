#include "tuco/deploy/constant_channels.h"

#include "tuco/deploy/reference_arithmetic.h"

namespace tuco::deploy {
namespace {

/// Sums, biases included, stay below this.
constexpr int64_t kMaxSum = int64_t{1} << 30;

bool is_depthwise(const op::Conv2d& conv, const Shape& weight) {
  return conv.groups > 1 && conv.groups == weight[0] && weight[3] == 1;
}

/// A convolution without groups, or a depthwise one, of a quantized graph.
struct Layer {
  Graph* graph;
  int number;

  Graph::Node& node() const { return graph->nodes[number]; }
  op::Conv2d& conv() const { return std::get<op::Conv2d>(node().op); }
  const Graph::Value& input() const { return graph->values[node().inputs[0]]; }
  const Graph::Value& weight() const { return graph->values[node().inputs[1]]; }
  bool depthwise() const { return is_depthwise(conv(), weight().meta.shape); }
  bool padded() const { return !(conv().padding == Padding(0)); }
  int64_t channels() const { return weight().meta.shape[0]; }
  int32_t zero_point() const { return input().quantization->zero_point[0]; }
  std::vector<int32_t> biases() const {
    if (node().inputs.size() > 2)
      return graph->values[node().inputs[2]].constant.to_vector<int32_t>();
    return std::vector<int32_t>(channels(), 0);
  }

  static std::optional<Layer> at(Graph& graph, int number) {
    const auto* conv = std::get_if<op::Conv2d>(&graph.nodes[number].op);
    const Layer layer{&graph, number};
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

/// Leaves the layer these of its output channels, and as many of its input where it is depthwise.
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
  if (depthwise) layer.conv().groups = count;
  Shape& output = graph.values[node.outputs[0]].meta.shape;
  output[output.rank() - 1] = count;
}

/// Leaves the layer these of its input channels; the constant ones that go leave what they add in
/// the bias. False, and nothing, where that would not fit.
bool keep_inputs(const Layer& layer, const std::vector<int64_t>& kept,
                 const std::vector<std::optional<int32_t>>& constant) {
  Graph& graph = *layer.graph;
  const Graph::Value weight = layer.weight();
  const Shape& shape = weight.meta.shape;
  const int64_t taps = shape[1] * shape[2], in = shape[3];
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
  const auto count = static_cast<int64_t>(kept.size());
  const Tensor tensor = from_values(values, {shape[0], shape[1], shape[2], count});
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

/// The layer that alone reads what this one computes.
std::optional<Layer> only_reader(const Layer& layer) {
  Graph& graph = *layer.graph;
  const int output = layer.node().outputs[0];
  const auto readers = graph.consumers(output);
  if (readers.size() != 1 || graph.is_kept(output)) return std::nullopt;
  const auto reader = Layer::at(graph, readers[0]);
  return reader && reader->node().inputs[0] == output ? reader : std::nullopt;
}

/// Which channels stay: those that change, and so many others that kernels stay fast.
std::vector<int64_t> channels_to_keep(const std::vector<std::optional<int32_t>>& removable) {
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

/// Removes channels between the convolution without groups at `number` and the next one, which
/// depthwise ones may stand between.
void drop_after(QuantizedModel& model, int number) {
  Graph& graph = model.graph;
  auto layer = Layer::at(graph, number);
  if (!layer || layer->depthwise()) return;
  std::vector<Layer> chain = {*layer};
  std::vector<std::optional<int32_t>> constant;
  for (;;) {
    const Layer& last = chain.back();
    const QuantizedNode node{graph, last.node(), model.rounding};
    const auto reader = only_reader(last);
    if (!reader) return;
    // What is constant here, and adds the same at every place of the reader's output.
    const auto multipliers = node.channel_multipliers();
    const auto inputs = std::move(constant);
    constant.assign(last.channels(), std::nullopt);
    for (int64_t c = 0; c < last.channels(); ++c) {
      const auto input = last.depthwise() ? inputs[c] : std::nullopt;
      const auto value =
          constant_output(node, c, multipliers[c], input.value_or(-128), input.value_or(127));
      if (value && (!reader->padded() || *value == reader->zero_point())) constant[c] = value;
    }
    if (!reader->depthwise()) {
      const auto kept = channels_to_keep(constant);
      if (static_cast<int64_t>(kept.size()) == last.channels() ||
          !keep_inputs(*reader, kept, constant))
        return;
      for (const Layer& each : chain) keep_outputs(each, kept);
      return;
    }
    chain.push_back(*reader);
  }
}

}  // namespace

std::optional<int32_t> constant_output(const QuantizedNode& node, int64_t channel,
                                       const Multiplier& multiplier, int32_t low, int32_t high) {
  const Tensor& weight = node.input(1).constant;
  const int64_t depth = weight.numel() / weight.dim(0);
  const int8_t* weights = weight.data<int8_t>() + channel * depth;
  const int64_t zero_point = node.input_zero_point(0);
  int64_t least = node.inputs() > 2 ? node.input(2).constant.data<int32_t>()[channel] : 0;
  int64_t most = least;
  for (int64_t k = 0; k < depth; ++k) {
    const auto [smaller, larger] =
        std::minmax({weights[k] * (low - zero_point), weights[k] * (high - zero_point)});
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
