// Point-wise activations that no other op took in. Tanh and the logistic function are fixed-point
// algorithms rather than formulas: the interpreter runs the runtime's own code for them, which is
// held against TFLite Micro's outputs in tests/runtime.
#include "tuco/deploy/ops/emit.h"
#include "tuco/deploy/reference_arithmetic.h"
#include "tuco/deploy/rules.h"
#include "tuco/deploy/runtime/logistic.h"
#include "tuco/deploy/runtime/tanh.h"

namespace tuco::deploy {
namespace {

/// A clamp to [low, high] of real values, with a change of scale.
struct RescaledClamp {
  Multiplier multiplier;
  int32_t low, high;
};

RescaledClamp rescaled_clamp(const QuantizedNode& node, const op::Clamp& clamp) {
  Graph::Node with_clamp = node.node;
  with_clamp.activation = clamp;
  const auto [low, high] = QuantizedNode{node.graph, with_clamp, node.rounding}.bounds();
  return {quantize_multiplier(relu_factor(node.input_scale(0), node.output_scale()), node.rounding),
          low, high};
}

void interpret_clamp(const QuantizedNode& node, const op::Clamp& clamp, Inputs in, Tensor& out) {
  const auto [multiplier, low, high] = rescaled_clamp(node, clamp);
  const int8_t* x = in[0].data<int8_t>();
  int8_t* y = out.data<int8_t>();
  for (int64_t i = 0; i < out.numel(); ++i)
    y[i] = requantized(x[i] - node.input_zero_point(0), multiplier, node.rounding,
                       node.output_zero_point(), low, high);
}

void emit_clamp(const QuantizedNode& node, const op::Clamp& clamp, CWriter& c) {
  const auto [multiplier, low, high] = rescaled_clamp(node, clamp);
  c.use("clamp.h");
  c.line("tuco_rescale({}, {}, {}, {}, {}, {}, {}, {}, {}, {});", c.buffer(node.node.outputs[0]),
         c.buffer(node.node.inputs[0]), elements_per_image(node.output()), node.input_zero_point(0),
         multiplier.value, multiplier.shift, node.output_zero_point(), low, high,
         rounding_name(node.rounding));
}

constexpr op::Clamp kRelu{.low = 0};

/// A point-wise op as the table of all that it can give.
template <class Op>
Int8Op lookup(const Op& op, const QuantizedNode& node) {
  std::vector<int8_t> all(256);
  for (int i = 0; i < 256; ++i) all[i] = static_cast<int8_t>(i - 128);
  Tensor table = empty({256}, {DType::int8});
  interpret(op, node, std::array{from_values(all, {256})}, table);
  return {op::QLookup{}, node.node.inputs, {table}};
}

using SigmoidKernel = void (*)(int8_t*, const int8_t*, int32_t, int32_t, int32_t, int32_t, int32_t,
                               int32_t);

void interpret_sigmoid(const QuantizedNode& node, Inputs in, Tensor& out, SigmoidKernel kernel) {
  const SigmoidScaling s = sigmoid_scaling(node.input_scale(0));
  kernel(out.data<int8_t>(), in[0].data<int8_t>(), static_cast<int32_t>(out.numel()),
         node.input_zero_point(0), s.multiplier.value, s.multiplier.shift, s.radius,
         static_cast<int32_t>(node.rounding));
}

void emit_sigmoid(const QuantizedNode& node, CWriter& c, std::string_view kernel) {
  const SigmoidScaling s = sigmoid_scaling(node.input_scale(0));
  c.use(fmt::format("{}.h", kernel));
  c.line("tuco_{}({}, {}, {}, {}, {}, {}, {}, {});", kernel, c.buffer(node.node.outputs[0]),
         c.buffer(node.node.inputs[0]), elements_per_image(node.output()), node.input_zero_point(0),
         s.multiplier.value, s.multiplier.shift, s.radius, rounding_name(node.rounding));
}

}  // namespace

void quantize(const op::Relu&, Quantizer& quantizer, Graph::Node& node) {
  quantizer.calibrated(node.outputs[0]);
}
void interpret(const op::Relu&, const QuantizedNode& node, Inputs in, Tensor& out) {
  interpret_clamp(node, kRelu, in, out);
}
Int8Op lower(const op::Relu& op, const QuantizedNode& node) { return lookup(op, node); }
void emit(const op::Relu&, const QuantizedNode& node, CWriter& c) { emit_clamp(node, kRelu, c); }

void quantize(const op::Clamp&, Quantizer& quantizer, Graph::Node& node) {
  quantizer.calibrated(node.outputs[0]);
}
void interpret(const op::Clamp& op, const QuantizedNode& node, Inputs in, Tensor& out) {
  interpret_clamp(node, op, in, out);
}
Int8Op lower(const op::Clamp& op, const QuantizedNode& node) { return lookup(op, node); }
void emit(const op::Clamp& op, const QuantizedNode& node, CWriter& c) { emit_clamp(node, op, c); }

void quantize(const op::Tanh&, Quantizer& quantizer, Graph::Node& node) {
  quantizer.fixed(node.outputs[0], {{1.0f / 128}, {0}, -1});
}
void interpret(const op::Tanh&, const QuantizedNode& node, Inputs in, Tensor& out) {
  interpret_sigmoid(node, in, out, tuco_tanh);
}
Int8Op lower(const op::Tanh& op, const QuantizedNode& node) { return lookup(op, node); }
void emit(const op::Tanh&, const QuantizedNode& node, CWriter& c) { emit_sigmoid(node, c, "tanh"); }

void quantize(const op::Sigmoid&, Quantizer& quantizer, Graph::Node& node) {
  quantizer.fixed(node.outputs[0], {{1.0f / 256}, {-128}, -1});
}
void interpret(const op::Sigmoid&, const QuantizedNode& node, Inputs in, Tensor& out) {
  interpret_sigmoid(node, in, out, tuco_logistic);
}
Int8Op lower(const op::Sigmoid& op, const QuantizedNode& node) { return lookup(op, node); }
void emit(const op::Sigmoid&, const QuantizedNode& node, CWriter& c) {
  emit_sigmoid(node, c, "logistic");
}

}  // namespace tuco::deploy
