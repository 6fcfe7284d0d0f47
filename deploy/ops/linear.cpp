#include "tuco/core/parallel.h"
#include "tuco/deploy/ops/emit.h"
#include "tuco/deploy/ops/products.h"
#include "tuco/deploy/reference_arithmetic.h"
#include "tuco/deploy/rules.h"

namespace tuco::deploy {

void quantize(const op::Linear&, Quantizer& quantizer, Graph::Node& node) {
  quantizer.weights(node);
  quantizer.calibrated(node.outputs[0]);
}

void interpret(const op::Linear&, const QuantizedNode& node, Inputs in, Tensor& out) {
  const auto multipliers = node.channel_multipliers();
  const auto bounds = node.bounds();
  const int32_t zero_point = node.input_zero_point(0);
  const int64_t columns = in[1].dim(0), depth = in[1].dim(1);
  const int8_t *x = in[0].data<int8_t>(), *w = in[1].data<int8_t>();
  const int32_t* bias = in.size() > 2 ? in[2].data<int32_t>() : nullptr;
  int8_t* y = out.data<int8_t>();
  parallel_for(0, out.numel(), 256, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t row = i / columns, o = i % columns;
      int32_t sum = bias ? bias[o] : 0;
      for (int64_t c = 0; c < depth; ++c)
        sum += (x[row * depth + c] - zero_point) * w[o * depth + c];
      y[i] = requantized(sum, multipliers[o], node.rounding, node.output_zero_point(), bounds.low,
                         bounds.high);
    }
  });
}

Int8Op lower(const op::Linear&, const QuantizedNode& node) {
  return {op::QLinear{node.input_zero_point(0), node.requantize()},
          {node.node.inputs[0]},
          node.product_constants()};
}

void emit(const op::Linear& op, const QuantizedNode& node, Program& program) {
  if (emit_product(make_product(op, node), node, program)) return;
  const Shape& weight = node.input(1).meta.shape;
  const Argument weights = program.constant(node.node.inputs[1], "weight");
  const Argument bias = bias_of(program, node), output = requantization_structure(program, node);
  program.call("fully_connected.h", "fully_connected",
               {output_place(program, node), input_place(program, node), weights, bias,
                elements_per_image(node.input(0)) / weight[1], weight[1], weight[0],
                node.input_zero_point(0), output});
}

}  // namespace tuco::deploy
