#include <algorithm>

#include "tests/deploy/networks.h"
#include "tests/deploy/random_files.h"
#include "tests/deploy/random_models.h"
#include "tests/fuzz/target.h"
#include "tuco/core/error.h"
#include "tuco/deploy/cost.h"
#include "tuco/deploy/engine/context.h"
#include "tuco/deploy/export_c.h"
#include "tuco/deploy/export_tflite.h"
#include "tuco/deploy/import_tflite.h"
#include "tuco/deploy/interpreter.h"
#include "tuco/deploy/passes.h"
#include "tuco/deploy/run_graph.h"
#include "tuco/deploy/trace.h"

namespace tuco::fuzz {
namespace {

/// A float network of few bytes with operators that int8 ones do not have.
Bytes float_sample() {
  test::Builder b(2);
  const auto deep = b.conv("d", 2, 2, 2, {.padding = {0, 1, 0, 1}, .groups = 2});
  const auto head = b.dense("h", 4, 2);
  const auto network = b.finish(
      [=](const Tensor& x) {
        const Tensor y = permute(relu(deep(x)), {0, 2, 1, 3});
        const Tensor z = slice(y, 1, 0, 2) * 2 - max_pool2d(y, {.kernel = {2, 1}, .stride = 1});
        return head(
            flatten(concat({hard_swish(mean(z, {1, 2})), sum(sqrt(abs(z) + 1), {1, 2})}, 1)));
      },
      {3, 3, 2});
  return deploy::generate_tflite(
      deploy::trace(network.forward, test::random_images(network, 1, 1), network.constants));
}

/// Whether running it takes little time and memory.
bool is_small(const Graph& graph) {
  constexpr int64_t kMost = 1 << 18;
  int64_t work = 0;
  // An input may be large, and read by none.
  for (const int v : graph.inputs) work += graph.values[v].meta.shape.numel();
  for (const Graph::Node& node : graph.nodes) {
    const int64_t results = graph.values[node.outputs[0]].meta.shape.numel();
    work += deploy::cost_of(graph, node).products + results;
    for (const int v : node.inputs) work += graph.values[v].meta.shape.numel();
    // A pooling reads as many cells as its window has for each result.
    const auto cells = [&](const op::PoolWindow& w) { work += results * w.kernel.h * w.kernel.w; };
    if (const auto* pool = std::get_if<op::MaxPool2d>(&node.op)) cells(pool->window);
    if (const auto* pool = std::get_if<op::AvgPool2d>(&node.op)) cells(pool->window);
    if (work > kMost) return false;
  }
  return work <= kMost;
}

Tensor example(const Graph& graph) { return zeros(graph.values[graph.inputs.at(0)].meta.shape); }

void run_in_engine(const deploy::Plan& plan, const Graph& graph) {
  if (graph.inputs.size() != 1 || graph.outputs.size() != 1 || example(graph).dim(0) != 1) return;
  (void)deploy::Context(plan, {.threads = 1})(example(graph));
}

}  // namespace

std::vector<Bytes> samples() {
  std::vector<Bytes> files = {float_sample()};
  for (uint64_t seed = 1; files.size() < 36; ++seed) {
    if (seed % 3 == 0) {
      files.push_back(test::random_int8_file(seed));
    } else {
      try {
        files.push_back(deploy::generate_tflite(test::random_int8_model(seed)));
      } catch (const UnsupportedOp&) {  // it has no form in the format
        continue;
      }
    }
    if (files.back().size() > 4096) files.pop_back();
  }
  return files;
}

void parse(const Bytes& bytes) {
  deploy::StoredNetwork network = deploy::import_tflite(File::memory(bytes, "fuzz"));
  Graph& graph = network.graph;
  // What was accepted can be used, as far as it goes: anything but an Error is a bug.
  try {
    (void)graph.to_string();
    if (!is_small(graph)) return;
    if (network.rounding) {
      const deploy::QuantizedModel model{graph, *network.rounding};
      (void)deploy::generate_tflite(model);
      (void)deploy::generate_c(model, "model");
      (void)deploy::interpret_real(model, example(graph));
      run_in_engine(deploy::Plan::compile(model, {.max_batch = 1}), graph);
    } else {
      (void)deploy::generate_tflite(graph);
      (void)deploy::run_graph(graph, {example(graph)});
      run_in_engine(deploy::Plan::compile(graph, {.max_batch = 1}), graph);
      deploy::optimize(graph);
      (void)deploy::quantize(graph, example(graph));
    }
  } catch (const Error&) {
  }
}

}  // namespace tuco::fuzz
