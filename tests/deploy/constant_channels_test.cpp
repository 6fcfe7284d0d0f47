#include "tuco/deploy/constant_channels.h"

#include <gtest/gtest.h>

#include "tests/deploy/random_models.h"
#include "tuco/autograd/functions.h"
#include "tuco/core/rng.h"
#include "tuco/deploy/check_model.h"
#include "tuco/deploy/interpreter.h"

namespace tuco::deploy {
namespace {

/// Appends a convolution with ReLU whose channels in `dead` have no weights and this bias.
void add_layer(Graph& graph, const op::Conv2d& conv, int64_t out, Hw kernel, bool has_bias,
               const std::vector<int64_t>& dead, int32_t dead_bias, int32_t zero_point, Rng& rng) {
  const int input = graph.outputs.empty() ? graph.inputs[0] : graph.outputs[0];
  const Shape shape = graph.values[input].meta.shape;
  const Shape weight_shape{out, kernel.h, kernel.w, conv.groups > 1 ? 1 : shape[3]};
  Tensor weight = test::random_integers(weight_shape, rng, -127, 127);
  const int64_t depth = weight_shape.numel() / out;
  for (const int64_t c : dead) std::fill_n(weight.data<int8_t>() + c * depth, depth, int8_t{0});
  Quantization scales{{}, std::vector<int32_t>(out, 0), 0};
  for (int64_t c = 0; c < out; ++c) scales.scale.push_back(rng.uniform(0.002f, 0.01f));
  std::vector<int> inputs = {input, graph.add_value({"w", weight.meta(), weight, scales})};
  if (has_bias) {
    std::vector<int32_t> bias(out);
    for (int32_t& b : bias) b = static_cast<int32_t>(rng.below(4000)) - 2000;
    for (const int64_t c : dead) bias[c] = dead_bias;
    const Tensor tensor = from_values(bias, {out});
    inputs.push_back(graph.add_value({"b", tensor.meta(), tensor, scales}));
  }
  const WindowGeometry g = geometry(conv, shape, weight_shape);
  const int output = graph.add_value({"y",
                                      {{1, g.out_h, g.out_w, out}, DType::int8},
                                      {},
                                      Quantization{{0.05f}, {zero_point}, -1}});
  Graph::Node node{conv, inputs, {output}};
  node.activation = op::Clamp{0, std::numeric_limits<double>::infinity()};
  graph.nodes.push_back(node);
  graph.outputs = {output};
}

QuantizedModel model_of(int32_t dead_bias, Padding padding, bool last_has_bias, Rng& rng) {
  QuantizedModel model;
  Graph& graph = model.graph;
  graph.inputs = {
      graph.add_value({"x", {{1, 6, 5, 3}, DType::int8}, {}, Quantization{{0.02f}, {-7}, -1}})};
  add_layer(graph, {.padding = 1}, 8, 3, true, {1, 2, 3, 5, 6}, dead_bias, -128, rng);
  add_layer(graph, {.padding = padding, .groups = 8}, 8, 3, true, {0}, dead_bias, -100, rng);
  add_layer(graph, {}, 4, 1, last_has_bias, {}, 0, -128, rng);
  add_layer(graph, {.padding = 1}, 3, 3, true, {2}, dead_bias, 5, rng);  // the output stays whole
  return model;
}

TEST(ConstantChannels, OutputsStayTheSame) {
  Rng rng(11);
  // Below zero the activation gives the zero point, which padding has too; above, another constant,
  // which may only go where nothing is padded.
  for (const int32_t bias : {-(1 << 30), 1 << 30, 7777})
    for (const Padding padding : {Padding(0), Padding(1)})
      for (const bool last_has_bias : {false, true}) {
        const QuantizedModel model = model_of(bias, padding, last_has_bias, rng);
        check_model(model);
        const QuantizedModel small = without_constant_channels(model);
        check_model(small);
        const bool depthwise_goes = bias < 0 || padding == Padding(0);
        // Dead are 0, 1, 2, 3, 5 and 6 of eight, but channels stay a multiple of four.
        // Where what the padding leaves is clamped to one value, channels go all the same.
        const int64_t left = small.graph.values[small.graph.nodes[0].outputs[0]].meta.shape[3];
        EXPECT_TRUE(left == 4 || (left == 8 && !depthwise_goes)) << bias << ": " << left;
        EXPECT_EQ(small.graph.values[small.graph.outputs[0]].meta.shape[3], 3);
        Tensor images = test::random_integers({16, 6, 5, 3}, rng, -127, 127);
        EXPECT_EQ(interpret(small, images).to_vector<int8_t>(),
                  interpret(model, images).to_vector<int8_t>())
            << bias << " " << padding.top;
      }
}

/// Takes the weights of about half of the channels of each convolution and linear layer, and gives
/// those a bias that is often beyond the activation's range.
void kill_channels(Graph& graph, Rng& rng) {
  const auto nodes = graph.nodes;
  for (size_t n = 0; n < nodes.size(); ++n) {
    if (!std::holds_alternative<op::Conv2d>(nodes[n].op) &&
        !std::holds_alternative<op::Linear>(nodes[n].op))
      continue;
    std::vector<int>& inputs = graph.nodes[n].inputs;
    Graph::Value weight = graph.values[inputs[1]];
    const int64_t out = weight.meta.shape[0], depth = weight.meta.shape.numel() / out;
    std::vector<int8_t> weights = weight.constant.to_vector<int8_t>();
    std::vector<int32_t> biases(out, 0);
    Graph::Value bias{"dead.bias", {{out}, DType::int32}, {}, weight.quantization};
    if (inputs.size() > 2) {
      biases = graph.values[inputs[2]].constant.to_vector<int32_t>();
      bias = graph.values[inputs[2]];
      inputs.pop_back();
    }
    for (int64_t c = 0; c < out; ++c) {
      if (rng.below(2)) continue;
      std::fill_n(weights.begin() + c * depth, depth, int8_t{0});
      const int32_t size = 1 << rng.below(26);
      biases[c] = rng.below(2) ? size : -size;
    }
    weight.constant = from_values(weights, weight.meta.shape);
    bias.constant = from_values(biases, {out});
    inputs[1] = graph.add_value(weight);
    inputs.push_back(graph.add_value(bias));
  }
}

/// Appends a node that computes a value of this shape; without a quantization, of its input's.
void give(Graph& graph, const op::Any& op, std::vector<int> constants, const Shape& shape,
          std::optional<Quantization> quantization = {}) {
  const int input = graph.outputs.empty() ? graph.inputs[0] : graph.outputs[0];
  if (!quantization) quantization = graph.values[input].quantization;
  std::vector<int> inputs = {input};
  inputs.insert(inputs.end(), constants.begin(), constants.end());
  const int output = graph.add_value({"y", {shape, DType::int8}, {}, quantization});
  graph.nodes.push_back({.op = op, .inputs = inputs, .outputs = {output}});
  graph.outputs = {output};
}

Shape output_shape(const Graph& graph) { return graph.values[graph.outputs[0]].meta.shape; }

/// Appends a convolution without bias, or, without a kernel, a linear layer.
void add_product(Graph& graph, const op::Any& op, const Shape& weight_shape, Rng& rng) {
  const int input = graph.outputs.empty() ? graph.inputs[0] : graph.outputs[0];
  Shape shape = graph.values[input].meta.shape;
  const Tensor weight = test::random_integers(weight_shape, rng, -127, 127);
  Quantization scales{{}, std::vector<int32_t>(weight_shape[0], 0), 0};
  for (int64_t c = 0; c < weight_shape[0]; ++c) scales.scale.push_back(rng.uniform(0.002f, 0.01f));
  if (const auto* conv = std::get_if<op::Conv2d>(&op)) {
    const WindowGeometry g = geometry(*conv, shape, weight_shape);
    shape = {1, g.out_h, g.out_w, g.out_c};
  } else {
    shape[shape.rank() - 1] = weight_shape[0];
  }
  const int constant = graph.add_value({"w", weight.meta(), weight, scales});
  give(graph, op, {constant}, shape,
       Quantization{{0.2f}, {static_cast<int32_t>(rng.below(256)) - 128}, -1});
  if (rng.below(2))
    graph.nodes.back().activation = op::Clamp{0, std::numeric_limits<double>::infinity()};
}

/// Appends an op on images that keeps channels apart.
void add_between(Graph& graph, Rng& rng) {
  const Shape x = output_shape(graph);
  op::PoolWindow window{.kernel = 2 + rng.below(2), .stride = 1 + rng.below(2)};
  if (rng.below(2)) window.padding = 1;
  const float scale = graph.values[graph.outputs[0]].quantization->scale[0];
  // Pools come last, and only where they leave two rows and columns.
  switch (rng.below(std::min(x[1], x[2]) < 5 ? 5 : 7)) {
    case 0:
      return add_product(graph, op::Conv2d{.padding = 1, .groups = x[3]}, {x[3], 3, 3, 1}, rng);
    case 1:
      return give(graph, op::Tanh{}, {}, x, Quantization{{1 / 128.0f}, {0}, -1});
    case 2:
      return give(graph, op::LeakyRelu{0.3f}, {}, x, Quantization{{2 * scale}, {-5}, -1});
    case 3:
      return give(graph, op::HardSwish{}, {}, x, Quantization{{scale}, {-99}, -1});
    case 4:
      return give(graph, op::Pad{{0, 1, 0, 0}, {0, 0, 2, 0}, rng.below(2) ? 0.5 : 0.0}, {},
                  {1, x[1] + 1, x[2] + 2, x[3]});
    case 5: {
      const WindowGeometry g = geometry("pool", window, x);
      return give(graph, op::MaxPool2d{window}, {}, {1, g.out_h, g.out_w, g.out_c});
    }
    default: {
      window.count_include_pad = rng.below(2) == 1;
      const WindowGeometry g = geometry("pool", window, x);
      return give(graph, op::AvgPool2d{window}, {}, {1, g.out_h, g.out_w, g.out_c});
    }
  }
}

/// A convolution, up to three ops that keep channels apart, and a layer that sums over them: a
/// convolution, or a linear one after a mean or on the flattened image.
QuantizedModel random_chain(Rng& rng) {
  QuantizedModel model;
  Graph& graph = model.graph;
  graph.inputs = {
      graph.add_value({"x", {{1, 12, 11, 3}, DType::int8}, {}, Quantization{{0.02f}, {-7}, -1}})};
  const int64_t channels = 7 + rng.below(6);
  add_product(graph, op::Conv2d{.padding = 1}, {channels, 3, 3, 3}, rng);
  for (uint32_t i = rng.below(4); i > 0; --i) add_between(graph, rng);
  const Shape x = output_shape(graph);
  const uint32_t end = rng.below(4);
  if (end < 2) {
    add_product(graph, op::Conv2d{.padding = end}, {5, 2, 2, channels}, rng);
    return model;
  }
  if (end == 2)
    give(graph, op::Mean{{.dims = {1, 2}}}, {}, {1, channels}, Quantization{{0.15f}, {20}, -1});
  else
    give(graph, op::Reshape{{-1, x[1] * x[2] * x[3]}}, {}, {1, x[1] * x[2] * x[3]});
  if (rng.below(2)) give(graph, op::Relu{}, {}, output_shape(graph));
  add_product(graph, op::Linear{}, {6, output_shape(graph)[1]}, rng);
  add_product(graph, op::Linear{}, {3, 6}, rng);
  return model;
}

int64_t weights_of(const Graph& graph) {
  int64_t sum = 0;
  for (const Graph::Value& value : graph.values)
    if (value.constant.defined() && value.meta.dtype == DType::int8)
      sum += value.meta.shape.numel();
  return sum;
}

TEST(ConstantChannels, OutputsOfRandomModelsStayTheSame) {
  int smaller = 0;
  for (uint64_t seed = 1; seed <= 600; ++seed) {
    SCOPED_TRACE(seed);
    Rng rng(seed);
    QuantizedModel model = seed % 2 ? random_chain(rng) : test::random_int8_model(seed);
    kill_channels(model.graph, rng);
    model.graph.remove_unused();
    check_model(model);
    const QuantizedModel small = without_constant_channels(model);
    check_model(small);
    smaller += weights_of(small.graph) < weights_of(model.graph);
    Shape shape = model.graph.values[model.graph.inputs[0]].meta.shape;
    shape[0] = 6;
    const Tensor images = test::random_integers(shape, rng);
    EXPECT_EQ(interpret(small, images).to_vector<int8_t>(),
              interpret(model, images).to_vector<int8_t>())
        << model.graph.to_string() << "\n"
        << small.graph.to_string();
  }
  EXPECT_GT(smaller, 150);
}

TEST(ConstantChannels, NothingGoesWhereAllChange) {
  Rng rng(3);
  QuantizedModel model;
  Graph& graph = model.graph;
  graph.inputs = {
      graph.add_value({"x", {{1, 6, 5, 4}, DType::int8}, {}, Quantization{{0.02f}, {-7}, -1}})};
  add_layer(graph, {.padding = 1}, 8, 3, true, {}, 0, -128, rng);
  add_layer(graph, {}, 4, 1, true, {}, 0, -128, rng);
  EXPECT_EQ(without_constant_channels(model).graph.to_string(), graph.to_string());
}

}  // namespace
}  // namespace tuco::deploy
