#include <algorithm>

#include "tests/deploy/networks.h"
#include "tests/fuzz/target.h"
#include "tests/support/temporary_folder.h"
#include "tuco/core/error.h"
#include "tuco/core/safetensors.h"
#include "tuco/deploy/export_c.h"
#include "tuco/deploy/graph_file.h"
#include "tuco/deploy/interpreter.h"
#include "tuco/deploy/passes.h"
#include "tuco/deploy/run_graph.h"
#include "tuco/deploy/trace.h"

namespace tuco::fuzz {
namespace {

/// Networks of few bytes, so that mutations meet the graph more often than the weights.
test::Network tiny_network() {
  test::Builder b(1);
  const auto conv = b.conv("c", 2, 2, 2, {.stride = 2, .padding = {0, 1, 0, 1}});
  const auto norm = b.norm("n", 2);
  const auto head = b.dense("h", 4, 2);
  return b.finish(
      [=](const Tensor& x) {
        const Tensor y = relu(norm(conv(x)));
        const Tensor z = concat(
            {max_pool2d(y, {.kernel = 2, .stride = 1}), avg_pool2d(y, {.kernel = 2, .stride = 1})},
            3);
        return softmax(head(mean(pad(z, {0, 1, 0, 0}, {0, 0, 1, 0}), {1, 2})));
      },
      {4, 4, 2});
}
test::Network moving_network() {
  test::Builder b(2);
  const Tensor row = b.constant("row", {1, 3}, 1);
  return b.finish(
      [=](const Tensor& x) {
        const Tensor y = slice(permute(x, {0, 2, 1}), 1, 0, 1) + expand(row, {2, 3});
        return reshape(sigmoid(y) * 2 + tanh(y), {-1, 6});
      },
      {3, 2});
}
test::Network pointwise_network() {
  test::Builder b(3);
  const Tensor row = b.constant("row", {2}, 1, 1);
  return b.finish(
      [=](const Tensor& x) {
        const Tensor y = prelu(elu(x), row) * 0.5 + 1 - permute(abs(x), {0, 2, 1, 3});
        const Tensor z = concat({hard_swish(slice(y, 3, 0, 1)), maximum(y, row)}, 3);
        return leaky_relu(resize_nearest(z, {.size = {2, 3}}) + mean(z, {1, 2}, true), 0.25);
      },
      {2, 2, 2});
}

bool is_small(const Graph& graph) {
  constexpr int64_t kMost = 1 << 14;
  return std::ranges::all_of(graph.values,
                             [](const Graph::Value& v) { return v.meta.shape.numel() <= kMost; });
}

Tensor example(const Graph& graph) { return zeros(graph.values[graph.inputs.at(0)].meta.shape); }

}  // namespace

std::vector<Bytes> samples() {
  const test::TemporaryFolder folder;
  const std::string path = folder.path() / "graph";
  std::vector<Bytes> files;
  const auto keep = [&] { files.push_back(File::open(path).read_all()); };
  for (const auto& network : {tiny_network(), pointwise_network(), moving_network()}) {
    Graph graph =
        deploy::trace(network.forward, test::random_images(network, 1, 1), network.constants);
    graph.preprocessing = Preprocessing{.height = 4, .width = 4, .class_names = {"a", "b"}};
    deploy::save_graph(path, graph);
    keep();
    if (files.size() > 4) continue;  // the last has no int8 form
    deploy::optimize(graph);
    deploy::save_model(path, deploy::quantize(graph, test::random_images(network, 4, 2)));
    keep();
  }
  return files;
}

void parse(const Bytes& bytes) {
  const File file = File::memory(bytes, "fuzz");
  Graph graph = deploy::load_graph(file);
  // What was accepted can be used, as far as it goes: anything but an Error is a bug.
  try {
    (void)graph.to_string();
    if (deploy::is_quantized(graph)) {
      const auto model = deploy::load_model(file);
      (void)deploy::generate_c(model, "model");
      if (is_small(graph)) (void)deploy::interpret_real(model, example(graph));
    } else if (is_small(graph)) {
      (void)deploy::run_graph(graph, {example(graph)});
      deploy::optimize(graph);
      (void)deploy::quantize(graph, example(graph));
    }
  } catch (const Error&) {
  }
}

}  // namespace tuco::fuzz
