#include "tuco/core/error.h"
#include "tuco/deploy/ops/emit.h"
#include "tuco/deploy/reference_arithmetic.h"
#include "tuco/deploy/rules.h"

namespace tuco::deploy {
namespace {

AddMultipliers multipliers(const QuantizedNode& node) {
  return add_multipliers(node.input_scale(0), node.input_scale(1), node.output_scale(),
                         node.rounding);
}

}  // namespace

void quantize(const op::Add& op, Quantizer& quantizer, Graph::Node& node) {
  const Shape &a = quantizer.value(node.inputs[0]).meta.shape,
              &b = quantizer.value(node.inputs[1]).meta.shape;
  for (const int input : node.inputs)
    require<UnsupportedOp>(!quantizer.value(input).constant.defined(),
                           "{}: adding a constant has no int8 kernel yet", op.name);
  require<UnsupportedOp>(a == b, "{}: shapes {} and {} differ: no int8 kernel broadcasts yet",
                         op.name, a, b);
  quantizer.calibrated(node.outputs[0]);
}

void interpret(const op::Add&, const QuantizedNode& node, Inputs in, Tensor& out) {
  const auto [ma, mb, mo] = multipliers(node);
  const auto [low, high] = node.bounds();
  const int8_t *a = in[0].data<int8_t>(), *b = in[1].data<int8_t>();
  int8_t* y = out.data<int8_t>();
  for (int64_t i = 0; i < out.numel(); ++i) {
    const int32_t x = scaled((a[i] - node.input_zero_point(0)) * (1 << 20), ma, node.rounding);
    const int32_t z = scaled((b[i] - node.input_zero_point(1)) * (1 << 20), mb, node.rounding);
    y[i] = requantized(x + z, mo, node.rounding, node.output_zero_point(), low, high);
  }
}

Int8Op lower(const op::Add&, const QuantizedNode& node) {
  const auto [a, b, sum] = multipliers(node);
  return {op::QAdd{node.input_zero_point(0), node.input_zero_point(1), a, b, sum,
                   node.requantize()},
          node.node.inputs};
}

void emit(const op::Add&, const QuantizedNode& node, CWriter& c) {
  const auto [ma, mb, mo] = multipliers(node);
  const auto [low, high] = node.bounds();
  c.use("add.h");
  const std::string addition = c.structure(
      "tuco_addition", "addition",
      fmt::format("{}, {}, {},  {}, {}, {},  {}, {}, {},  {}, {}, {}", node.input_zero_point(0),
                  ma.value, ma.shift, node.input_zero_point(1), mb.value, mb.shift,
                  node.output_zero_point(), mo.value, mo.shift, low, high,
                  rounding_name(node.rounding)));
  c.line("tuco_add({}, {}, {}, {}, &{});", c.buffer(node.node.outputs[0]),
         c.buffer(node.node.inputs[0]), c.buffer(node.node.inputs[1]),
         elements_per_image(node.output()), addition);
}

}  // namespace tuco::deploy
