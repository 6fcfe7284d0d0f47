#include "tuco/deploy/ops/emit.h"

#include "tuco/core/error.h"

namespace tuco::deploy {

std::string window_structure(CWriter& c, const WindowGeometry& g) {
  for (const int64_t size : {g.in_h, g.in_w, g.in_c, g.out_h, g.out_w, g.out_c, g.kernel.h,
                             g.kernel.w, g.stride.h, g.stride.w, g.dilation.h, g.dilation.w,
                             g.padding.top, g.padding.bottom, g.padding.left, g.padding.right})
    require<UnsupportedOp>(size <= std::numeric_limits<int16_t>::max(),
                           "the device runtime's windows have sizes up to {}, not {}",
                           std::numeric_limits<int16_t>::max(), size);
  return c.structure(
      "tuco_window", "window",
      fmt::format("{}, {}, {},  {}, {}, {},  {}, {},  {}, {},  {}, {},  {}, {}, {}, {},  {}",
                  g.in_h, g.in_w, g.in_c, g.out_h, g.out_w, g.out_c, g.kernel.h, g.kernel.w,
                  g.stride.h, g.stride.w, g.dilation.h, g.dilation.w, g.padding.top,
                  g.padding.bottom, g.padding.left, g.padding.right, g.groups),
      17 * sizeof(int16_t));
}

std::string requantization_structure(CWriter& c, const QuantizedNode& node) {
  std::vector<int32_t> values, shifts;
  for (const Multiplier& m : node.channel_multipliers()) {
    values.push_back(m.value);
    shifts.push_back(m.shift);
  }
  const std::string multiplier = c.array("int32_t", "multiplier", values);
  const std::string shift = c.array("int8_t", "shift", shifts);
  const auto [low, high] = node.bounds();
  return c.structure(
      "tuco_requantization", "output",
      fmt::format("{}, {}, 1, {}, {}, {}, {}", multiplier, shift, node.output_zero_point(), low,
                  high, rounding_name(node.rounding)),
      7 * sizeof(int32_t));
}

std::string_view rounding_name(Rounding rounding) {
  return rounding == Rounding::kDouble ? "TUCO_DOUBLE_ROUNDING" : "TUCO_SINGLE_ROUNDING";
}

int64_t elements_per_image(const Graph::Value& value) {
  int64_t product = 1;
  for (int i = 1; i < value.meta.shape.rank(); ++i) product *= value.meta.shape[i];
  return product;
}

}  // namespace tuco::deploy
