#include "tuco/deploy/ops/emit.h"

#include "tuco/core/error.h"

namespace tuco::deploy {

Argument window_structure(Program& program, const WindowGeometry& g) {
  for (const int64_t size : {g.in_h, g.in_w, g.in_c, g.out_h, g.out_w, g.out_c, g.kernel.h,
                             g.kernel.w, g.stride.h, g.stride.w, g.dilation.h, g.dilation.w,
                             g.padding.top, g.padding.bottom, g.padding.left, g.padding.right})
    require<UnsupportedOp>(size <= std::numeric_limits<int16_t>::max(),
                           "the device runtime's windows have sizes up to {}, not {}",
                           std::numeric_limits<int16_t>::max(), size);
  std::vector<Member> members;
  for (const int64_t number :
       {g.in_h, g.in_w, g.in_c, g.out_h, g.out_w, g.out_c, g.kernel.h, g.kernel.w, g.stride.h,
        g.stride.w, g.dilation.h, g.dilation.w, g.padding.top, g.padding.bottom, g.padding.left,
        g.padding.right, g.groups})
    members.push_back(Member::int16(number));
  return program.structure("tuco_window", "window", std::move(members));
}

Argument output_place(const Program& program, const QuantizedNode& node) {
  return program.place(node.node.outputs[0]);
}

Argument input_place(const Program& program, const QuantizedNode& node) {
  return program.place(node.node.inputs[0]);
}

Argument operand(Program& program, const QuantizedNode& node, int i) {
  return program.operand(node.node.inputs[i], i ? "b" : "a");
}

Argument bias_of(Program& program, const QuantizedNode& node) {
  return node.inputs() > 2 ? program.constant(node.node.inputs[2], "bias") : Program::null();
}

Argument requantization_structure(Program& program, const QuantizedNode& node) {
  std::vector<int32_t> values, shifts;
  for (const Multiplier& m : node.channel_multipliers()) {
    values.push_back(m.value);
    shifts.push_back(m.shift);
  }
  const Argument multiplier = program.array("int32_t", "multiplier", values);
  const Argument shift = program.array("int8_t", "shift", shifts);
  const auto [low, high] = node.bounds();
  return program.structure("tuco_requantization", "output",
                           {Member::argument(multiplier), Member::argument(shift), Member::int32(1),
                            Member::int32(node.output_zero_point()), Member::int32(low),
                            Member::int32(high), Member::argument(node.rounding)});
}

std::string_view rounding_name(Rounding rounding) {
  return rounding == Rounding::kDouble ? "TUCO_DOUBLE_ROUNDING" : "TUCO_SINGLE_ROUNDING";
}

int64_t elements_per_image(const Graph::Value& value) {
  int64_t product = 1;
  for (int i = 1; i < value.meta.shape.rank(); ++i) product *= value.meta.shape[i];
  return product;
}

int64_t bytes_per_image(const Graph::Value& value) {
  return elements_per_image(value) * static_cast<int64_t>(size_of(value.meta.dtype));
}

}  // namespace tuco::deploy
