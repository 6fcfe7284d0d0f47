// Softmax, a fixed-point algorithm: the interpreter runs the runtime's own code for it, which is
// held against TFLite Micro's outputs in tests/runtime.
#include "tuco/core/ops/softmax.h"

#include "tuco/deploy/ops/emit.h"
#include "tuco/deploy/rules.h"
#include "tuco/deploy/runtime/softmax.h"

namespace tuco::deploy {

void quantize(const op::Softmax&, Quantizer& quantizer, Graph::Node& node) {
  quantizer.fixed(node.outputs[0], {{1.0f / 256}, {-128}, -1});
}

void interpret(const op::Softmax&, const QuantizedNode& node, Inputs in, Tensor& out) {
  const SoftmaxScaling s = softmax_scaling(node.input_scale(0), 1, node.rounding);
  const int64_t depth = out.shape().back();
  tuco_softmax(out.data<int8_t>(), in[0].data<int8_t>(), static_cast<int32_t>(out.numel() / depth),
               static_cast<int32_t>(depth), s.multiplier.value, s.multiplier.shift, s.smallest,
               static_cast<int32_t>(node.rounding));
}

Int8Op lower(const op::Softmax&, const QuantizedNode& node) {
  const SoftmaxScaling s = softmax_scaling(node.input_scale(0), 1, node.rounding);
  std::vector<int32_t> table(256, 0);
  for (int32_t d = 0; d < 256 && -d >= s.smallest; ++d)
    table[d] = tuco_softmax_exp(-d, s.multiplier.value, s.multiplier.shift,
                                static_cast<int32_t>(node.rounding));
  return {op::QSoftmax{}, node.node.inputs, {from_values(table, {256})}};
}

void emit(const op::Softmax&, const QuantizedNode& node, Program& program) {
  const SoftmaxScaling s = softmax_scaling(node.input_scale(0), 1, node.rounding);
  const int64_t depth = node.output().meta.shape.back();
  program.call("softmax.h", "softmax",
               {output_place(program, node), input_place(program, node),
                elements_per_image(node.output()) / depth, depth, s.multiplier.value,
                s.multiplier.shift, s.smallest, node.rounding});
}

}  // namespace tuco::deploy
