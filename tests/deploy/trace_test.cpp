#include "tuco/deploy/trace.h"

#include <gtest/gtest.h>

#include "tests/deploy/networks.h"
#include "tuco/core/error.h"
#include "tuco/deploy/passes.h"
#include "tuco/deploy/run_graph.h"

namespace tuco::deploy {
namespace {

TEST(Trace, ReplaysBitForBitAtAnyBatch) {
  const auto network = test::small_network();
  const Graph graph = trace(network.forward, test::random_images(network, 2, 1), network.constants);
  for (const int64_t batch : {1, 2, 7}) {
    const Tensor x = test::random_images(network, batch, 9);
    EXPECT_EQ(run_graph(graph, {x})[0].to_vector<float>(), network.forward(x).to_vector<float>());
  }
}

TEST(Trace, NamesConstantsAndNodes) {
  const auto network = test::small_network();
  const Graph graph = trace(network.forward, test::random_images(network, 1, 1), network.constants);
  EXPECT_EQ(graph.nodes[0].name, "stem");
  EXPECT_EQ(graph.values[graph.nodes[0].inputs[1]].name, "stem.weight");
  EXPECT_NE(graph.to_string().find("conv2d(stride=(1, 1)"), std::string::npos);
}

TEST(Trace, RefusesWhatAGraphCannotHold) {
  const Tensor x = ones({2, 3});
  // A value read by the program.
  EXPECT_THROW(trace([](const Tensor& t) { return t * t.to_vector<float>()[0]; }, x), Error);
  EXPECT_THROW(trace([](const Tensor& t) { return t * sum(t).item(); }, x), Error);
  // Changes in place, and copies that leave the trace.
  EXPECT_THROW(trace([](const Tensor& t) { return (t + 1).fill_(0); }, x), Error);
  EXPECT_THROW(trace([](const Tensor& t) { return (t + 1).detach() * 2; }, x), Error);
  EXPECT_THROW(trace([](const Tensor& t) { return t + (t + 1).clone(); }, x), Error);
  // A result that has nothing to do with the input, or depends on the batch.
  EXPECT_THROW(trace([](const Tensor&) { return ones({2}); }, x), Error);
  EXPECT_THROW(trace([](const Tensor& t) { return t + ones({t.dim(0), 1}) * 2; }, x), Error);
}

TEST(Passes, KeepTheResults) {
  const auto network = test::small_network();
  Graph graph = trace(network.forward, test::random_images(network, 1, 1), network.constants);
  const size_t before = graph.nodes.size();
  optimize(graph);
  EXPECT_LT(graph.nodes.size(), before);
  int norms = 0, activations = 0;
  for (const Graph::Node& node : graph.nodes) {
    norms += std::holds_alternative<op::BatchNorm>(node.op);
    activations +=
        std::holds_alternative<op::Relu>(node.op) || std::holds_alternative<op::Clamp>(node.op);
  }
  EXPECT_EQ(norms, 0);
  EXPECT_EQ(activations, 0);
  const Tensor x = test::random_images(network, 3, 4);
  const auto expected = network.forward(x).to_vector<float>(),
             got = run_graph(graph, {x})[0].to_vector<float>();
  for (size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(got[i], expected[i], 2e-5);
}

TEST(Passes, KeepTheResultsOfRandomNetworks) {
  for (uint64_t seed = 0; seed < 40; ++seed) {
    const auto network = test::random_network(seed);
    Graph graph = trace(network.forward, test::random_images(network, 1, 1), network.constants);
    optimize(graph);
    const Tensor x = test::random_images(network, 2, seed + 100);
    const auto expected = network.forward(x).to_vector<float>(),
               got = run_graph(graph, {x})[0].to_vector<float>();
    for (size_t i = 0; i < expected.size(); ++i)
      EXPECT_NEAR(got[i], expected[i], 1e-4 * (1 + std::abs(expected[i]))) << "seed " << seed;
  }
}

TEST(Passes, AffineOpsInARowBecomeOne) {
  const auto f = [](const Tensor& x) {
    const Tensor y = ((x - 3) * 0.5 + 1) * -4;
    return relu(y) + y * 2 * 0.5;
  };
  const Tensor x = randn({3, 5});
  Graph graph = trace(f, x);
  optimize(graph);
  // What two read stays apart from what follows, and a factor of 1 goes.
  ASSERT_EQ(graph.nodes.size(), 3u) << graph.to_string();
  const auto& affine = std::get<op::Affine>(graph.nodes[0].op);
  EXPECT_EQ(affine.scale, -2);
  EXPECT_EQ(affine.shift, 2);
  const auto got = run_graph(graph, {x})[0].to_vector<float>(), expected = f(x).to_vector<float>();
  for (size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], expected[i], 1e-5);
}

TEST(RunGraph, RefusesInputsThatDoNotFit) {
  const auto network = test::small_network();
  const Graph graph = trace(network.forward, test::random_images(network, 1, 1), network.constants);
  EXPECT_THROW(run_graph(graph, {ones({1, 12, 12, 4})}), ShapeError);
  EXPECT_THROW(run_graph(graph, {}), ShapeError);
}

}  // namespace
}  // namespace tuco::deploy
