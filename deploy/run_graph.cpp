#include "tuco/deploy/run_graph.h"

#include "tuco/autograd/functions.h"
#include "tuco/autograd/grad_mode.h"
#include "tuco/autograd/run_op.h"
#include "tuco/core/error.h"

namespace tuco::deploy {
namespace {

/// How often each value is read, outputs included: what is read no more is freed.
std::vector<int> count_reads(const Graph& graph) {
  std::vector<int> reads(graph.values.size(), 0);
  for (const Graph::Node& node : graph.nodes)
    for (const int v : node.inputs) ++reads[v];
  for (const int v : graph.outputs) ++reads[v];
  for (const Graph::State& state : graph.states) ++reads[state.after];
  return reads;
}

}  // namespace

std::vector<Tensor> run_graph(const Graph& graph, const std::vector<Tensor>& inputs,
                              const ValueObserver& observer, std::vector<Tensor>* states) {
  require<ShapeError>(inputs.size() == graph.inputs.size(), "run_graph: {} inputs, expected {}",
                      inputs.size(), graph.inputs.size());
  NoGrad quiet;
  std::vector<Tensor> values(graph.values.size());
  std::vector<int> reads = count_reads(graph);
  for (size_t v = 0; v < values.size(); ++v) values[v] = graph.values[v].constant;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const Graph::Value& expected = graph.values[graph.inputs[i]];
    Shape shape = expected.meta.shape;
    if (shape.rank() > 0 && inputs[i].rank() > 0) shape[0] = inputs[i].dim(0);
    require<ShapeError>(inputs[i].shape() == shape, "run_graph: input \"{}\" is {}, expected {}",
                        expected.name, inputs[i].shape(), expected.meta.shape);
    values[graph.inputs[i]] = inputs[i];
    if (observer) observer(graph.inputs[i], inputs[i]);
  }
  if (!graph.states.empty()) {
    require<ShapeError>(!inputs.empty() && inputs[0].rank() > 0,
                        "run_graph: states without an input that has a batch");
    load_states(graph, inputs[0].dim(0), states, values);
  }
  for (const Graph::Node& node : graph.nodes) {
    std::vector<Tensor> in;
    for (const int v : node.inputs) in.push_back(values[v]);
    Outputs out = run_op(node.op, in);
    if (node.activation) out[0] = clamp(out[0], node.activation->low, node.activation->high);
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      values[node.outputs[i]] = out[i];
      if (observer) observer(node.outputs[i], out[i]);
    }
    for (const int v : node.inputs)
      if (--reads[v] == 0) values[v] = {};
  }
  std::vector<Tensor> outputs;
  for (const int v : graph.outputs) outputs.push_back(values[v]);
  store_states(graph, values, states);
  return outputs;
}

std::vector<Tensor> initial_states(const Graph& graph, int64_t batch) {
  NoGrad quiet;
  std::vector<Tensor> states;
  for (const Graph::State& state : graph.states) {
    const Tensor& initial = graph.values[state.initial].constant;
    Shape shape = initial.shape();
    shape[0] = batch;
    states.push_back(dense(expand(initial, shape)).clone());
  }
  return states;
}

void load_states(const Graph& graph, int64_t batch, const std::vector<Tensor>* states,
                 std::vector<Tensor>& values) {
  const bool is_first = !states || states->empty();
  const std::vector<Tensor> before = is_first ? initial_states(graph, batch) : *states;
  require<Error>(before.size() == graph.states.size(), "{} states, expected {}", before.size(),
                 graph.states.size());
  for (size_t i = 0; i < before.size(); ++i) {
    require<ShapeError>(before[i].rank() > 0 && before[i].dim(0) == batch,
                        "a state of shape {}, for a batch of {}", before[i].shape(), batch);
    values[graph.states[i].before] = before[i];
  }
}

void store_states(const Graph& graph, const std::vector<Tensor>& values,
                  std::vector<Tensor>* states) {
  if (!states) return;
  states->clear();
  for (const Graph::State& state : graph.states) states->push_back(values[state.after]);
}

std::vector<Shape> infer_shapes(const Graph& graph, int64_t batch) {
  std::vector<TensorMeta> metas;
  for (const Graph::Value& value : graph.values) {
    metas.push_back(value.meta);
    // The rules know the ops on real numbers, which quantized values stand for.
    if (value.quantization) metas.back().dtype = DType::float32;
  }
  for (const int v : graph.given())
    if (metas[v].shape.rank() > 0) metas[v].shape[0] = batch;
  for (const Graph::Node& node : graph.nodes) {
    std::vector<TensorMeta> in;
    for (const int v : node.inputs) in.push_back(metas[v]);
    const auto out = infer_op(node.op, in);
    for (size_t i = 0; i < node.outputs.size(); ++i) metas[node.outputs[i]] = out.at(i);
  }
  std::vector<Shape> shapes;
  for (const TensorMeta& meta : metas) shapes.push_back(meta.shape);
  return shapes;
}

}  // namespace tuco::deploy
