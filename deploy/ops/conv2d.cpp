#include "tuco/core/ops/conv2d.h"

#include "tuco/core/parallel.h"
#include "tuco/deploy/ops/emit.h"
#include "tuco/deploy/ops/products.h"
#include "tuco/deploy/reference_arithmetic.h"
#include "tuco/deploy/rules.h"

namespace tuco::deploy {
namespace {

std::vector<int16_t> widened(const Tensor& integers, int32_t zero_point) {
  const int8_t* values = integers.data<int8_t>();
  std::vector<int16_t> result(integers.numel());
  for (size_t i = 0; i < result.size(); ++i)
    result[i] = static_cast<int16_t>(values[i] - zero_point);
  return result;
}

}  // namespace

void quantize(const op::Conv2d&, Quantizer& quantizer, Graph::Node& node) {
  quantizer.weights(node);
  quantizer.calibrated(node.outputs[0]);
}

void interpret(const op::Conv2d& op, const QuantizedNode& node, Inputs in, Tensor& out) {
  const WindowGeometry g = geometry(op, in[0].shape(), in[1].shape());
  const auto multipliers = node.channel_multipliers();
  const auto bounds = node.bounds();
  // In int16 with the zero point taken off, the products below are what compilers vectorise best.
  const auto x = widened(in[0], node.input_zero_point(0)), w = widened(in[1], 0);
  const int32_t* bias = in.size() > 2 ? in[2].data<int32_t>() : nullptr;
  int8_t* y = out.data<int8_t>();
  const int64_t depth = g.in_c / g.groups, channels = g.out_c / g.groups;
  parallel_for(0, g.batch * g.out_h, 1, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row)
      for (int64_t ox = 0; ox < g.out_w; ++ox)
        for (int64_t o = 0; o < g.out_c; ++o) {
          int32_t sum = bias ? bias[o] : 0;
          for (int64_t ky = 0; ky < g.kernel.h; ++ky)
            for (int64_t kx = 0; kx < g.kernel.w; ++kx) {
              const int64_t iy = row % g.out_h * g.stride.h + ky * g.dilation.h - g.padding.top;
              const int64_t ix = ox * g.stride.w + kx * g.dilation.w - g.padding.left;
              if (iy < 0 || iy >= g.in_h || ix < 0 || ix >= g.in_w) continue;
              const int16_t* from =
                  &x[((row / g.out_h * g.in_h + iy) * g.in_w + ix) * g.in_c + o / channels * depth];
              const int16_t* weight = &w[((o * g.kernel.h + ky) * g.kernel.w + kx) * depth];
              for (int64_t c = 0; c < depth; ++c) sum += from[c] * weight[c];
            }
          y[(row * g.out_w + ox) * g.out_c + o] =
              requantized(sum, multipliers[o], node.rounding, node.output_zero_point(), bounds.low,
                          bounds.high);
        }
  });
}

Int8Op lower(const op::Conv2d& op, const QuantizedNode& node) {
  return {op::QConv2d{op, node.input_zero_point(0), node.requantize()},
          {node.node.inputs[0]},
          node.product_constants()};
}

void emit(const op::Conv2d& op, const QuantizedNode& node, Program& program) {
  const Product product = make_product(op, node);
  if (emit_product(product, node, program)) return;
  const WindowGeometry& g = product.geometry;
  const bool depthwise = is_depthwise(g);
  const Argument weights =
      depthwise
          ? program.array("int8_t", "weight", taps_first(node.input(1).constant.data<int8_t>(), g))
          : program.constant(node.node.inputs[1], "weight");
  const Argument bias = bias_of(program, node), window = window_structure(program, g);
  const Argument output = requantization_structure(program, node);
  program.call(depthwise ? "depthwise.h" : "conv2d.h", depthwise ? "depthwise" : "conv2d",
               {output_place(program, node), input_place(program, node), weights, bias, window,
                node.input_zero_point(0), output});
}

}  // namespace tuco::deploy
