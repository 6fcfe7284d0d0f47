#include "tuco/deploy/interpreter.h"

#include "tuco/core/error.h"
#include "tuco/deploy/rules.h"
#include "tuco/deploy/run_graph.h"

namespace tuco::deploy {

Tensor interpret(const QuantizedModel& model, const Tensor& input,
                 const std::function<void(int, const Tensor&)>& observer,
                 std::vector<Tensor>* states) {
  const Graph& graph = model.graph;
  require<Error>(graph.inputs.size() == 1 && graph.outputs.size() == 1,
                 "interpret: {} inputs and {} outputs, expected one of each", graph.inputs.size(),
                 graph.outputs.size());
  require<DTypeError>(input.dtype() == DType::int8, "interpret: input is {}, expected {}",
                      input.dtype(), DType::int8);
  Shape expected = graph.values[graph.inputs[0]].meta.shape;
  if (input.rank() > 0 && expected.rank() > 0) expected[0] = input.dim(0);
  require<ShapeError>(input.shape() == expected, "interpret: input {}, expected {}", input.shape(),
                      expected);

  const auto shapes = infer_shapes(graph, input.dim(0));
  std::vector<Tensor> values(graph.values.size());
  for (size_t v = 0; v < values.size(); ++v) values[v] = graph.values[v].constant;
  values[graph.inputs[0]] = dense(input);
  load_states(graph, input.dim(0), states, values);
  for (const Graph::Node& node : graph.nodes) {
    std::vector<Tensor> in;
    for (const int v : node.inputs) in.push_back(values[v]);
    std::vector<Tensor> out;
    for (const int v : node.outputs) out.push_back(empty(shapes[v], {graph.values[v].meta.dtype}));
    const QuantizedNode whole{graph, node, model.rounding};
    std::visit(
        [&]<class Op>(const Op& op) {
          if constexpr (not_quantizable<Op> != nullptr)
            fail<UnsupportedOp>("interpret: {}: {}", name(node.op), not_quantizable<Op>);
          else if constexpr (requires { interpret(op, whole, in, out); })
            interpret(op, whole, in, out);
          else
            interpret(op, whole, in, out[0]);
        },
        node.op);
    for (size_t i = 0; i < out.size(); ++i) {
      values[node.outputs[i]] = out[i];
      if (observer) observer(node.outputs[i], out[i]);
    }
  }
  store_states(graph, values, states);
  return values[graph.outputs[0]];
}

Tensor interpret_real(const QuantizedModel& model, const Tensor& input) {
  const auto quantization = [&](int v) { return *model.graph.values[v].quantization; };
  const Tensor integers = quantize_values(input, quantization(model.graph.inputs.at(0)));
  return dequantize_values(interpret(model, integers), quantization(model.graph.outputs.at(0)));
}

}  // namespace tuco::deploy
