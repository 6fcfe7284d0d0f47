#include "tuco/deploy/graph_file.h"

#include <gtest/gtest.h>

#include "tests/deploy/networks.h"
#include "tests/support/temporary_folder.h"
#include "tuco/core/error.h"
#include "tuco/deploy/passes.h"
#include "tuco/deploy/trace.h"

namespace tuco::deploy {
namespace {

using test::message_of;

QuantizedModel small_model(const test::Network& network) {
  Graph graph = trace(network.forward, test::random_images(network, 1, 1), network.constants);
  optimize(graph);
  return quantize(graph, test::random_images(network, 8, 2));
}

TEST(GraphFile, RefusesASizeThatNoMemoryHolds) {
  const test::TemporaryFolder folder;
  const std::string path = folder.path() / "graph.safetensors";
  const Tensor row = ones({1, 3});
  Graph graph = trace([&](const Tensor& x) { return x + expand(row, {2, 3}); }, ones({1, 2, 3}));
  save_graph(path, graph);
  EXPECT_EQ(load_graph(path).to_string(), graph.to_string());
  for (Graph::Node& node : graph.nodes)
    if (auto* expand = std::get_if<op::Expand>(&node.op))
      expand->shape = graph.values[node.outputs[0]].meta.shape = {int64_t{1} << 27, 3};
  save_graph(path, graph);
  const std::string text = message_of<FormatError>([&] { load_graph(path); });
  EXPECT_NE(text.find("graph.safetensors"), std::string::npos) << text;
  EXPECT_NE(text.find("has more than 268435456 elements"), std::string::npos) << text;
}

TEST(GraphFile, RefusesAModelThatTheInt8RulesCannotTrust) {
  const test::TemporaryFolder folder;
  const std::string path = folder.path() / "model.safetensors";
  const QuantizedModel model = small_model(test::small_network());
  const auto refused = [&](auto&& change) {
    QuantizedModel changed = model;
    change(changed.graph);
    save_model(path, changed);
    return message_of<FormatError>([&] { load_model(path); });
  };
  const auto says = [](const std::string& text, const std::string& part) {
    EXPECT_NE(text.find(part), std::string::npos) << text;
  };
  const auto output = [](Graph& graph, size_t node) -> Graph::Value& {
    return graph.values[graph.nodes.at(node).outputs.at(0)];
  };
  says(refused([&](Graph& g) { output(g, 0).quantization.reset(); }), "is not int8 with one scale");
  says(refused([&](Graph& g) { output(g, 0).quantization->zero_point = {128}; }), "zero point");
  says(refused([&](Graph& g) {
         g.values[g.nodes[0].inputs[1]].quantization->scale.pop_back(),
             g.values[g.nodes[0].inputs[1]].quantization->zero_point.pop_back();
       }),
       "for each of 8 channels");
  says(refused([&](Graph& g) {
         g.values[g.nodes[0].inputs[2]].constant =
             from_values(std::vector<int32_t>(8, INT32_MAX), {8});
       }),
       "may overflow 32 bits");
  for (size_t n = 0; n < model.graph.nodes.size(); ++n)
    if (std::holds_alternative<op::MaxPool2d>(model.graph.nodes[n].op))
      says(refused([&](Graph& g) { output(g, n).quantization->scale = {7.0F}; }), "another scale");
}

}  // namespace
}  // namespace tuco::deploy
