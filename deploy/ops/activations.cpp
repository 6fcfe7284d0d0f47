// Point-wise activations that no other op took in. Tanh and the logistic function are fixed-point
// algorithms rather than formulas: the interpreter runs the runtime's own code for them, which is
// held against TFLite Micro's outputs in tests/runtime. Generated C has tables of their results,
// where the code takes 560 to 1,500 bytes on a Cortex-M.
#include "tuco/deploy/ops/lookup.h"
#include "tuco/deploy/reference_arithmetic.h"
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
  const double factor = rescale_factor(node.input_scale(0), node.output_scale());
  return {quantize_multiplier(factor, node.rounding), low, high};
}

void interpret_clamp(const QuantizedNode& node, const op::Clamp& clamp, Inputs in, Tensor& out) {
  const auto [multiplier, low, high] = rescaled_clamp(node, clamp);
  const int8_t* x = in[0].data<int8_t>();
  int8_t* y = out.data<int8_t>();
  for (int64_t i = 0; i < out.numel(); ++i)
    y[i] = requantized(x[i] - node.input_zero_point(0), multiplier, node.rounding,
                       node.output_zero_point(), low, high);
}

void emit_clamp(const QuantizedNode& node, const op::Clamp& clamp, Program& program) {
  const auto [multiplier, low, high] = rescaled_clamp(node, clamp);
  const int64_t size = elements_per_image(node.output());
  if (*node.input(0).quantization == *node.output().quantization) {  // the factor is 1
    program.call("clamp.h", "clamp",
                 {output_place(program, node), input_place(program, node), size, low, high});
    return;
  }
  program.call(
      "clamp.h", "rescale",
      {output_place(program, node), input_place(program, node), size, node.input_zero_point(0),
       multiplier.value, multiplier.shift, node.output_zero_point(), low, high, node.rounding});
}

constexpr op::Clamp kRelu{.low = 0};

using SigmoidKernel = void (*)(int8_t*, const int8_t*, int32_t, int32_t, int32_t, int32_t, int32_t,
                               int32_t);

void interpret_sigmoid(const QuantizedNode& node, Inputs in, Tensor& out, SigmoidKernel kernel) {
  const SigmoidScaling s = sigmoid_scaling(node.input_scale(0));
  kernel(out.data<int8_t>(), in[0].data<int8_t>(), static_cast<int32_t>(out.numel()),
         node.input_zero_point(0), s.multiplier.value, s.multiplier.shift, s.radius,
         static_cast<int32_t>(node.rounding));
}

/// a * b / 2^15 to the nearest, ties away from zero; a and b of 16 bits, not both the smallest.
int32_t rounded_product(int32_t a, int32_t b) {
  const int32_t product = a * b;
  return (product + (product >= 0 ? 1 << 14 : 1 - (1 << 14))) / (1 << 15);
}

int32_t saturated(int64_t value) {
  return static_cast<int32_t>(std::clamp<int64_t>(value, -32768, 32767));
}

/// TFLite's hard swish, in 16 bits: the input on the output's scale, before that is shifted, times
/// the share of it, min(max(x + 3, 0), 6) / 6, in which 2^15 is 1.
int8_t hard_swish_of(int32_t x, const HardSwishScaling& s, int32_t zero_point) {
  const int32_t high = x * (1 << 7);
  const int32_t value = rounded_product(high, s.output_multiplier);
  int32_t share = high;
  if (s.share_shift > 0) share = saturated(int64_t{share} << (s.share_shift - 1));
  share = rounded_product(share, s.share_multiplier);
  if (s.share_shift > 0) share = saturated(int64_t{share} * 2);
  if (s.share_shift < 0) share = rounding_divide_by_power_of_two(share, -s.share_shift);
  share = (share + (1 << 15)) >> 1;
  const int32_t product = share * value / (1 << 15);  // towards zero
  const int32_t y = rounding_divide_by_power_of_two(product, -s.output_shift) + zero_point;
  return static_cast<int8_t>(std::clamp(y, -128, 127));
}

}  // namespace

void quantize(const op::Relu&, Quantizer& quantizer, Graph::Node& node) {
  quantizer.calibrated(node.outputs[0]);
}
void interpret(const op::Relu&, const QuantizedNode& node, Inputs in, Tensor& out) {
  interpret_clamp(node, kRelu, in, out);
}
Int8Op lower(const op::Relu& op, const QuantizedNode& node) { return lookup(op, node); }
void emit(const op::Relu&, const QuantizedNode& node, Program& program) {
  emit_clamp(node, kRelu, program);
}

void quantize(const op::Clamp&, Quantizer& quantizer, Graph::Node& node) {
  quantizer.calibrated(node.outputs[0]);
}
void interpret(const op::Clamp& op, const QuantizedNode& node, Inputs in, Tensor& out) {
  interpret_clamp(node, op, in, out);
}
Int8Op lower(const op::Clamp& op, const QuantizedNode& node) { return lookup(op, node); }
void emit(const op::Clamp& op, const QuantizedNode& node, Program& program) {
  emit_clamp(node, op, program);
}

void quantize(const op::LeakyRelu&, Quantizer& quantizer, Graph::Node& node) {
  quantizer.calibrated(node.outputs[0]);
}
void interpret(const op::LeakyRelu& op, const QuantizedNode& node, Inputs in, Tensor& out) {
  const auto factor = [&](float slope) {
    Multiplier multiplier = quantize_multiplier(
        product_factor(node.input_scale(0), std::abs(slope), node.output_scale()), node.rounding);
    if (slope < 0) multiplier.value = -multiplier.value;
    return multiplier;
  };
  const Multiplier above = factor(1), below = factor(static_cast<float>(op.slope));
  const int8_t* x = in[0].data<int8_t>();
  int8_t* y = out.data<int8_t>();
  for (int64_t i = 0; i < out.numel(); ++i) {
    const int32_t value = x[i] - node.input_zero_point(0);
    y[i] = requantized(value, value >= 0 ? above : below, node.rounding, node.output_zero_point(),
                       -128, 127);
  }
}
Int8Op lower(const op::LeakyRelu& op, const QuantizedNode& node) { return lookup(op, node); }
void emit(const op::LeakyRelu& op, const QuantizedNode& node, Program& program) {
  emit_lookup(op, node, program);
}

void quantize(const op::HardSwish&, Quantizer& quantizer, Graph::Node& node) {
  // TFLite's arithmetic takes no output scale below a 128th of the input's.
  const float least = 255 * quantizer.quantization(node.inputs[0]).scale[0] / 127;
  Range range = quantizer.range(node.outputs[0]);
  range.high = std::max(range.high, std::min(range.low, 0.0f) + least);
  quantizer.fixed(node.outputs[0], Quantizer::covering(range));
}
void interpret(const op::HardSwish&, const QuantizedNode& node, Inputs in, Tensor& out) {
  const HardSwishScaling scaling = hard_swish_scaling(node.input_scale(0), node.output_scale());
  const int8_t* x = in[0].data<int8_t>();
  int8_t* y = out.data<int8_t>();
  for (int64_t i = 0; i < out.numel(); ++i)
    y[i] = hard_swish_of(x[i] - node.input_zero_point(0), scaling, node.output_zero_point());
}
Int8Op lower(const op::HardSwish& op, const QuantizedNode& node) { return lookup(op, node); }
void emit(const op::HardSwish& op, const QuantizedNode& node, Program& program) {
  emit_lookup(op, node, program);
}

void quantize(const op::Tanh&, Quantizer& quantizer, Graph::Node& node) {
  quantizer.fixed(node.outputs[0], {{1.0f / 128}, {0}, -1});
}
void interpret(const op::Tanh&, const QuantizedNode& node, Inputs in, Tensor& out) {
  interpret_sigmoid(node, in, out, tuco_tanh);
}
Int8Op lower(const op::Tanh& op, const QuantizedNode& node) { return lookup(op, node); }
void emit(const op::Tanh& op, const QuantizedNode& node, Program& program) {
  emit_lookup(op, node, program);
}

void quantize(const op::Sigmoid&, Quantizer& quantizer, Graph::Node& node) {
  quantizer.fixed(node.outputs[0], {{1.0f / 256}, {-128}, -1});
}
void interpret(const op::Sigmoid&, const QuantizedNode& node, Inputs in, Tensor& out) {
  interpret_sigmoid(node, in, out, tuco_logistic);
}
Int8Op lower(const op::Sigmoid& op, const QuantizedNode& node) { return lookup(op, node); }
void emit(const op::Sigmoid& op, const QuantizedNode& node, Program& program) {
  emit_lookup(op, node, program);
}

}  // namespace tuco::deploy
