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
        EXPECT_EQ(small.graph.values[small.graph.nodes[0].outputs[0]].meta.shape[3],
                  depthwise_goes ? 4 : 8)
            << bias;
        EXPECT_EQ(small.graph.values[small.graph.outputs[0]].meta.shape[3], 3);
        Tensor images = test::random_integers({16, 6, 5, 3}, rng, -127, 127);
        EXPECT_EQ(interpret(small, images).to_vector<int8_t>(),
                  interpret(model, images).to_vector<int8_t>())
            << bias << " " << padding.top;
      }
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
