#include "tuco/core/graph.h"

#include <gtest/gtest.h>

namespace tuco {
namespace {

/// y = relu(x + c), and a product that nobody reads.
Graph small_graph() {
  Graph graph;
  const TensorMeta meta{{2, 3}};
  const int x = graph.add_value({"x", meta});
  const int c = graph.add_value({"c", meta, ones({2, 3})});
  const int unused = graph.add_value({"unused", meta});
  const int total = graph.add_value({"total", meta});
  const int y = graph.add_value({"y", meta});
  graph.nodes = {{op::Mul{}, {x, c}, {unused}},
                 {op::Add{}, {x, c}, {total}, "features.0"},
                 {op::Relu{}, {total}, {y}}};
  graph.inputs = {x};
  graph.outputs = {y};
  return graph;
}

TEST(Graph, FindsProducersAndConsumers) {
  const Graph graph = small_graph();
  EXPECT_EQ(graph.producer(0), -1);
  EXPECT_EQ(graph.producer(1), -1);
  EXPECT_EQ(graph.producer(3), 1);
  EXPECT_EQ(graph.consumers(0), (std::vector<int>{0, 1}));
  EXPECT_EQ(graph.consumers(4), std::vector<int>{});
}

TEST(Graph, DropsWhatNobodyReads) {
  Graph graph = small_graph();
  graph.remove_unused();
  ASSERT_EQ(graph.nodes.size(), 2u);
  ASSERT_EQ(graph.values.size(), 4u);
  EXPECT_EQ(name(graph.nodes[0].op), "add");
  EXPECT_EQ(graph.values[graph.nodes[0].inputs[1]].name, "c");
  EXPECT_EQ(graph.values[graph.outputs[0]].name, "y");
  EXPECT_EQ(graph.producer(graph.outputs[0]), 1);

  // Reading the sum in place of the result leaves the ReLU without a reader.
  graph.replace_uses(graph.outputs[0], graph.nodes[0].outputs[0]);
  graph.remove_unused();
  ASSERT_EQ(graph.nodes.size(), 1u);
  EXPECT_EQ(graph.values[graph.outputs[0]].name, "total");
}

TEST(Graph, KeepsInputsThatNobodyReads) {
  Graph graph = small_graph();
  graph.outputs = {1};
  graph.remove_unused();
  EXPECT_TRUE(graph.nodes.empty());
  ASSERT_EQ(graph.inputs.size(), 1u);
  EXPECT_EQ(graph.values[graph.inputs[0]].name, "x");
  EXPECT_TRUE(graph.values[graph.outputs[0]].constant.defined());
}

TEST(Graph, PrintsALineForEachNode) {
  Graph graph = small_graph();
  graph.remove_unused();
  graph.nodes[1].activation = op::Clamp{0, 6};
  EXPECT_EQ(graph.to_string(),
            "input  %0:float32(2, 3) \"x\"\n"
            "%2:float32(2, 3) = add %0 \"c\"  # features.0\n"
            "%3:float32(2, 3) = relu then clamp [0, 6] %2\n"
            "output %3:float32(2, 3)\n");
}

}  // namespace
}  // namespace tuco
