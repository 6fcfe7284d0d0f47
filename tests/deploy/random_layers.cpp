#include "tests/deploy/random_layers.h"

#include <cmath>

#include "tests/deploy/random_draws.h"
#include "tests/deploy/random_models.h"
#include "tuco/autograd/functions.h"
#include "tuco/deploy/device_memory.h"

namespace tuco::test {
namespace {

using namespace tuco::deploy;

/// A graph of one convolution or linear layer, with random constants.
QuantizedModel one_layer(const op::Any& op, const Shape& input, const Shape& weight, Rng& rng) {
  QuantizedModel model;
  Graph& graph = model.graph;
  const bool powers = rng.below(4) == 0;  // of two, with which there are ties
  const auto scale = [&](float low, float high) {
    const float value = rng.uniform(low, high);
    return powers ? std::exp2(std::round(std::log2(value))) : value;
  };
  const float in_scale = scale(0.01f, 0.2f);
  const auto zero_point = [&] { return static_cast<int32_t>(between(rng, -128, 127)); };
  graph.inputs = {graph.add_value(
      {"x", {input, DType::int8}, {}, Quantization{{in_scale}, {zero_point()}, -1}})};
  const int64_t channels = weight[0];
  Quantization scales{{}, std::vector<int32_t>(channels, 0), 0};
  const bool per_channel = rng.below(3) > 0;
  for (int64_t c = 0; c < channels; ++c)
    scales.scale.push_back(c && !per_channel ? scales.scale[0] : scale(0.001f, 0.02f));
  // Now and then a weight of -128, which files of others hold.
  const Tensor w = random_integers(weight, rng, rng.below(8) ? -127 : -128, 127);
  const int wv = graph.add_value({"w", w.meta(), w, scales});
  std::vector<int> inputs = {graph.inputs[0], wv};
  if (rng.below(4)) {
    std::vector<int32_t> bias(channels);
    for (int32_t& b : bias) b = static_cast<int32_t>(between(rng, -20000, 20000));
    const Tensor b = from_values(bias, {channels});
    inputs.push_back(graph.add_value({"b", b.meta(), b, scales}));
  }
  Shape output = input;
  if (const auto* conv = std::get_if<op::Conv2d>(&op)) {
    const WindowGeometry g = geometry(*conv, input, weight);
    output = {1, g.out_h, g.out_w, g.out_c};
  } else {
    output[output.rank() - 1] = channels;
  }
  const float out_scale = scale(0.05f, 3.0f);
  const int out = graph.add_value(
      {"y", {output, DType::int8}, {}, Quantization{{out_scale}, {zero_point()}, -1}});
  graph.outputs = {out};
  Graph::Node node{op, inputs, {out}};
  if (rng.below(2))
    node.activation = op::Clamp{0, rng.below(2) ? 6 : std::numeric_limits<double>::infinity()};
  graph.nodes.push_back(node);
  return model;
}

template <class Op>
RandomLayer random_layer(const Op& op, const Shape& input, const Shape& weight, Rng& rng) {
  RandomLayer layer{.model = one_layer(op, input, weight, rng)};
  const QuantizedNode node = layer.node();
  layer.product = make_product(op, node);
  layer.memory = device_memory(node);
  layer.input = random_integers(input, rng, -128, 127);
  layer.expected = empty(node.output().meta.shape, {DType::int8});
  std::vector<Tensor> in = {layer.input};
  for (int i = 1; i < node.inputs(); ++i) in.push_back(node.input(i).constant);
  interpret(op, node, in, layer.expected);
  return layer;
}

}  // namespace

int64_t RandomLayer::closest() const {
  const int64_t in_size = input.numel(), out_size = expected.numel();
  const int64_t apart = (out_size + 3) / 4 * 4;
  if (memory.in_place) return in_size == out_size ? 0 : apart;
  if (memory.lead.empty()) return apart;
  return memory.descending ? -(*memory.lead[0] + 3) / 4 * 4
                           : (*memory.lead[0] + 4 * in_size + 3) / 4 * 4 - 4 * in_size;
}

RandomLayer random_convolution(Rng& rng, int64_t most) {
  const bool depthwise = rng.below(2);
  const int64_t channels = rng.below(2) ? 4 * between(rng, 1, most / 4)
                                        : between(rng, 1, std::max<int64_t>(9, most / 2));
  const int64_t out = depthwise ? channels : between(rng, 1, rng.below(4) ? 11 : 40);
  const bool plain = rng.below(2);  // what most networks have
  const Hw kernel = plain ? Hw(rng.below(2) ? 3 : 1) : Hw(between(rng, 1, 4), between(rng, 1, 4));
  const Hw dilation = plain ? 1 : Hw(between(rng, 1, 2), between(rng, 1, 2));
  op::Conv2d conv;
  conv.dilation = dilation;
  conv.stride = plain ? Hw(between(rng, 1, 2)) : Hw(between(rng, 1, 3), between(rng, 1, 3));
  conv.groups = depthwise ? channels : 1;
  conv.padding = Padding(between(rng, 0, kernel.h - 1), between(rng, 0, kernel.h - 1),
                         between(rng, 0, kernel.w - 1), between(rng, 0, kernel.w - 1));
  const int64_t reach_h = (kernel.h - 1) * dilation.h + 1,
                reach_w = (kernel.w - 1) * dilation.w + 1;
  Shape input = {1, between(rng, reach_h, reach_h + 7), between(rng, reach_w, reach_w + 7),
                 channels};
  if (rng.below(8) == 0) {
    input = {1, kernel.h, kernel.w, channels};
    conv = {.groups = conv.groups};
  }
  const Shape weight = {out, kernel.h, kernel.w, depthwise ? 1 : channels};
  return random_layer(conv, input, weight, rng);
}

RandomLayer random_linear(Rng& rng) {
  const int64_t in = between(rng, 1, 20), out = between(rng, 1, 20);
  const Shape input = rng.below(2) ? Shape{1, 4 * in} : Shape{1, between(rng, 1, 5), in};
  return random_layer(op::Linear{}, input, {out, input.back()}, rng);
}

}  // namespace tuco::test
