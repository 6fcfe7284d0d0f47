#include "tuco/deploy/quantize.h"

#include <gtest/gtest.h>

#include "tests/deploy/pointwise_networks.h"
#include "tests/support/temporary_folder.h"
#include "tuco/core/error.h"
#include "tuco/core/ops/custom.h"
#include "tuco/deploy/graph_file.h"
#include "tuco/deploy/interpreter.h"
#include "tuco/deploy/memory_plan.h"
#include "tuco/deploy/passes.h"
#include "tuco/deploy/report.h"
#include "tuco/deploy/rules.h"
#include "tuco/deploy/run_graph.h"
#include "tuco/deploy/trace.h"

namespace tuco::deploy {
namespace {

Graph optimized(const test::Network& network) {
  Graph graph = trace(network.forward, test::random_images(network, 1, 1), network.constants);
  optimize(graph);
  return graph;
}

double signal_to_noise(const Tensor& real, const Tensor& approximation) {
  const double signal = sum(pow(real, 2)).item<double>();
  return 10 * std::log10(signal / sum(pow(real - approximation, 2)).item<double>());
}

TEST(Quantize, StaysCloseToTheFloatGraph) {
  const auto network = test::small_network();
  const Graph graph = optimized(network);
  const Tensor samples = test::random_images(network, 64, 2);
  for (const auto method : {Calibration::min_max, Calibration::mean_square_error}) {
    const QuantizedModel model = quantize(graph, samples, {.calibration = method});
    const Tensor x = test::random_images(network, 16, 3);
    EXPECT_GT(signal_to_noise(run_graph(graph, {x})[0], interpret_real(model, x)), 22);
  }
}

TEST(Quantize, RandomNetworksStayClose) {
  for (uint64_t seed = 0; seed < 30; ++seed) {
    const auto network = test::random_network(seed);
    const Graph graph = optimized(network);
    const QuantizedModel model =
        quantize(graph, test::random_images(network, 32, seed + 1),
                 {.rounding = seed % 2 ? Rounding::kSingle : Rounding::kDouble});
    const Tensor x = test::random_images(network, 8, seed + 50);
    const Tensor real = run_graph(graph, {x})[0], integers = interpret_real(model, x);
    const float spread = max(real).item() - -max(-real).item();
    EXPECT_LT(max(abs(real - integers)).item(), 0.25f * spread + 0.02f) << "seed " << seed;
  }
}

TEST(Quantize, PointwiseNetworksStayClose) {
  for (uint64_t seed = 0; seed < 60; ++seed) {
    const auto network = test::random_pointwise_network(seed);
    const Graph graph = optimized(network);
    const Tensor x = test::random_images(network, 8, seed + 1);  // nothing is outside the ranges
    const QuantizedModel model =
        quantize(graph, x,
                 {.calibration = Calibration::min_max,
                  .rounding = seed % 2 ? Rounding::kSingle : Rounding::kDouble});
    double largest = 0;  // of all numbers: differences of large ones lose what those lose
    const Tensor real = run_graph(graph, {x}, [&](int, const Tensor& tensor) {
      largest = std::max(largest, max(abs(tensor)).item<double>());
    })[0];
    const double error = std::sqrt(mean(pow(real - interpret_real(model, x), 2)).item<double>());
    EXPECT_LT(error, 0.01 * largest) << "seed " << seed << "\n" << graph.to_string();
  }
}

// Each op makes integers of the constant in a scale of its own; in files they have names of their
// own.
TEST(Quantize, ConstantsThatTwoOpsReadKeepApart) {
  test::Builder b(1);
  const Tensor c = b.constant("c", {4}, 1, 2);
  const auto network =
      b.finish([=](const Tensor& x) { return maximum((x - c) * c, c); }, {3, 4});
  const QuantizedModel model = quantize(optimized(network), test::random_images(network, 8, 2));
  std::set<std::string> names;
  std::vector<float> scales;
  for (const Graph::Value& value : model.graph.values)
    if (value.constant.defined()) {
      EXPECT_TRUE(names.insert(value.name).second) << value.name;
      scales.push_back(value.quantization->scale.at(0));
    }
  ASSERT_EQ(scales.size(), 3u);
  EXPECT_EQ(scales[0], scales[1]);
  EXPECT_NE(scales[1], scales[2]);
  const test::TemporaryFolder folder;
  save_model(folder.path() / "model", model);
  const Tensor x = test::random_images(network, 3, 5);
  EXPECT_EQ(interpret_real(load_model(folder.path() / "model"), x).to_vector<float>(),
            interpret_real(model, x).to_vector<float>());
}

// Ranges too narrow, or too wide, for a histogram in float32 stay as they are.
TEST(Calibrate, ExtremeRangesAreThoseOfTheValues) {
  const Graph graph = trace([](const Tensor& x) { return relu(x); }, zeros({1, 4}));
  for (const float size : {1e-45f, 1e-42f, 1e-38f, 2e38f, 3.4e38f}) {
    const Tensor samples = from_values<float>({-size, 0, 0, size}, {1, 4});
    const auto ranges = calibrate(graph, samples, Calibration::mean_square_error);
    EXPECT_EQ(ranges[graph.inputs[0]], (Range{-size, size})) << size;
    EXPECT_EQ(ranges[graph.outputs[0]].low, 0) << size;
    EXPECT_GT(ranges[graph.outputs[0]].high, 0) << size;
  }
}

TEST(Quantize, RefusesWhatDoesNotKeepImagesApart) {
  const auto expect_refused = [](const std::function<Tensor(const Tensor&)>& f,
                                 const std::string& what) {
    const Tensor x = rand({1, 3, 3});
    Graph graph = trace(f, x);
    optimize(graph);
    try {
      quantize(graph, x);
      FAIL() << what;
    } catch (const UnsupportedOp& error) {
      EXPECT_NE(std::string(error.what()).find(what), std::string::npos) << error.what();
    }
  };
  const Tensor tall = rand({2, 1, 1, 3});
  expect_refused([&](const Tensor& x) { return x + tall; }, "add: no int8 kernel broadcasts");
  expect_refused([](const Tensor& x) { return permute(permute(x, {1, 0, 2}), {2, 1, 0}); },
                 "permute: of the batch");
}

TEST(Quantize, ScalesFollowTheFormatsRules) {
  const auto network = test::small_network();
  const QuantizedModel model = quantize(optimized(network), test::random_images(network, 8, 2));
  const Graph& graph = model.graph;
  for (const Graph::Node& node : graph.nodes) {
    const auto quantization = [&](int v) { return *graph.values[v].quantization; };
    const auto& out = quantization(node.outputs[0]);
    EXPECT_EQ(out.scale.size(), 1u);
    if (std::holds_alternative<op::MaxPool2d>(node.op) ||
        std::holds_alternative<op::AvgPool2d>(node.op) ||
        std::holds_alternative<op::Concat>(node.op) || std::holds_alternative<op::Pad>(node.op)) {
      for (const int input : node.inputs) EXPECT_EQ(quantization(input), out);
    }
    if (std::holds_alternative<op::Conv2d>(node.op)) {
      const auto& weight = graph.values[node.inputs[1]];
      EXPECT_EQ(static_cast<int64_t>(weight.quantization->scale.size()), weight.meta.shape[0]);
      for (const int8_t w : weight.constant.to_vector<int8_t>()) EXPECT_GE(w, -127);
      const auto& bias = *graph.values[node.inputs[2]].quantization;
      for (size_t c = 0; c < bias.scale.size(); ++c)
        EXPECT_EQ(bias.scale[c],
                  quantization(node.inputs[0]).scale[0] * weight.quantization->scale[c]);
    }
  }
}

TEST(Quantize, ThePixelsOfAPictureAreTheInput) {
  const auto network = test::small_network();
  Graph graph = optimized(network);
  graph.preprocessing = Preprocessing{.height = 12, .width = 12};
  const QuantizedModel model = quantize(graph, test::random_images(network, 8, 2));
  const auto& input = *model.graph.values[model.graph.inputs[0]].quantization;
  std::vector<float> reals;
  for (int pixel = 0; pixel < 256; ++pixel) reals.push_back((static_cast<float>(pixel) - 128) / 64);
  const auto integers = quantize_values(from_values(reals, {256}), input).to_vector<int8_t>();
  for (int pixel = 0; pixel < 256; ++pixel) EXPECT_EQ(integers[pixel], pixel - 128);
  graph.preprocessing->mean = 127.5;
  EXPECT_THROW(quantize(graph, test::random_images(network, 8, 2)), Error);
}

TEST(Quantize, NamesTheOpThatHasNoIntegers) {
  const Tensor x = ones({1, 4});
  const auto quantize_function = [&](const std::function<Tensor(const Tensor&)>& f) {
    quantize(trace(f, x), ones({4, 4}));
  };
  try {
    quantize_function([](const Tensor& t) { return log_softmax(t + t); });
    FAIL();
  } catch (const UnsupportedOp& error) {
    EXPECT_STREQ(error.what(), "quantize: node 1 (log_softmax): no int8 kernel yet");
  }
  EXPECT_THROW(quantize(trace([](const Tensor& t) { return t + t; }, x), Tensor(empty({0, 4}))),
               Error);
  EXPECT_THROW(quantize(trace([](const Tensor& t) { return t + t; }, x), full({1, 4}, NAN)), Error);
}

TEST(Quantizer, ZeroIsAlwaysExact) {
  Rng rng(5);
  for (int i = 0; i < 1000; ++i) {
    const Range range{rng.uniform(-10, 5), rng.uniform(-5, 10)};
    const Quantization q = Quantizer::covering(range);
    EXPECT_GE(q.zero_point[0], -128);
    EXPECT_LE(q.zero_point[0], 127);
    // The range is covered but for the rounding of the zero point.
    EXPECT_LE(q.scale[0] * (-128 - q.zero_point[0]), std::min(range.low, 0.0f) + q.scale[0]);
    EXPECT_GE(q.scale[0] * (127 - q.zero_point[0]), std::max(range.high, 0.0f) - q.scale[0]);
  }
  EXPECT_EQ(Quantizer::covering({0, 0}).scale[0], 1);
}

TEST(MemoryPlan, NoTwoLivingValuesOverlap) {
  for (uint64_t seed = 0; seed < 40; ++seed) {
    const auto network = seed ? test::random_network(seed) : test::small_network();
    const QuantizedModel model = quantize(optimized(network), test::random_images(network, 4, 2));
    const MemoryPlan plan = plan_memory(model);
    const Graph& graph = model.graph;
    EXPECT_GE(plan.arena_bytes, plan.lower_bound);
    // Replay: every byte belongs to the value that wrote it last, until that is read last.
    std::vector<int> owner(plan.arena_bytes, -1);
    const auto write = [&](int v) {
      ASSERT_LE(plan.offsets[v] + plan.sizes[v], plan.arena_bytes);
      std::fill_n(owner.begin() + plan.offsets[v], plan.sizes[v], v);
    };
    const auto expect_intact = [&](int v, int alias) {
      for (int64_t i = 0; i < plan.sizes[v]; ++i)
        EXPECT_TRUE(owner[plan.offsets[v] + i] == v || owner[plan.offsets[v] + i] == alias)
            << "seed " << seed << " value " << v;
    };
    for (const int v : graph.inputs) write(v);
    for (const Graph::Node& node : graph.nodes) {
      for (const int v : node.inputs)
        if (!graph.values[v].constant.defined()) expect_intact(v, -1);
      if (is_alias(node.op)) {
        EXPECT_EQ(plan.offsets[node.inputs[0]], plan.offsets[node.outputs[0]]);
      }
      write(node.outputs[0]);
    }
    for (const int v : graph.outputs) expect_intact(v, v);
  }
}

TEST(GraphFile, RoundTripsFloatAndInteger) {
  const test::TemporaryFolder folder;
  const auto network = test::small_network();
  Graph graph = optimized(network);
  graph.preprocessing = Preprocessing{.height = 12, .width = 12, .class_names = {"a", "b", "c"}};
  const Tensor x = test::random_images(network, 2, 7);
  save_graph(folder.path() / "float.safetensors", graph);
  const Graph again = load_graph(folder.path() / "float.safetensors");
  EXPECT_EQ(again.to_string(), graph.to_string());
  EXPECT_EQ(again.preprocessing, graph.preprocessing);
  EXPECT_EQ(run_graph(again, {x})[0].to_vector<float>(),
            run_graph(graph, {x})[0].to_vector<float>());

  const QuantizedModel model = quantize(graph, x, {.rounding = Rounding::kSingle});
  save_model(folder.path() / "int8.safetensors", model);
  const QuantizedModel model_again = load_model(folder.path() / "int8.safetensors");
  EXPECT_EQ(model_again.rounding, Rounding::kSingle);
  EXPECT_EQ(interpret_real(model_again, x).to_vector<float>(),
            interpret_real(model, x).to_vector<float>());
  EXPECT_THROW(load_model(folder.path() / "float.safetensors"), FormatError);
}

TEST(GraphFile, CorruptGraphsAreRefused) {
  const test::TemporaryFolder folder;
  const std::string path = folder.path() / "g.safetensors";
  const auto network = test::small_network();
  const Graph graph = optimized(network);
  save_graph(path, graph);
  const Safetensors good = load_safetensors(path);
  const std::string text = good.metadata.at("tuco.graph");
  Rng rng(11);
  int refused = 0;
  for (int i = 0; i < 600; ++i) {
    std::string bad = text;
    const uint32_t at = rng.below(static_cast<uint32_t>(bad.size()));
    if (i % 3 == 0)
      bad.resize(at);
    else if (i % 3 == 1)
      bad[at] = static_cast<char>('0' + rng.below(10));
    else
      bad.erase(at, 1 + rng.below(5));
    save_safetensors(path, good.tensors, {{"tuco.graph", bad}});
    try {
      const Graph loaded = load_graph(path);
      run_graph(loaded, {test::random_images(network, 1, 1)});
    } catch (const FormatError& error) {
      EXPECT_NE(std::string(error.what()).find(path), std::string::npos);
      ++refused;
    }
  }
  EXPECT_GT(refused, 400);
  save_safetensors(path, good.tensors);
  EXPECT_THROW(load_graph(path), FormatError);
}

TEST(Report, NamesTheWorstLayer) {
  const auto network = test::small_network();
  const Graph graph = optimized(network);
  const Tensor samples = test::random_images(network, 16, 2);
  const QuantizedModel model = quantize(graph, samples);
  Report report = make_report(graph, model, samples, "small");
  EXPECT_EQ(report.layers.size(), graph.nodes.size());
  for (const LayerNoise& layer : report.layers) EXPECT_GT(layer.signal_to_noise_db, 15);
  // 12*12*27*8 + 2 * 6*6*72*8 + 3*3*9*8 + 3*3*8*4 + 4*4*12 (norm) + 36
  EXPECT_EQ(report.products, 31104 + 41472 + 648 + 288 + 108 + 36);
  const std::vector<std::pair<Tensor, Tensor>> batches = {
      {samples, argmax(run_graph(graph, {samples})[0], 1)}};
  const Accuracy accuracy = compare(graph, model, batches);
  EXPECT_EQ(accuracy.float_right, 16);
  EXPECT_EQ(accuracy.int8_right, 16 - accuracy.changed);
  report.accuracy = accuracy;
  EXPECT_NE(report.to_text().find("worst"), std::string::npos);
  EXPECT_NE(report.to_json().find("\"signal_to_noise_db\""), std::string::npos);
}

}  // namespace
}  // namespace tuco::deploy
