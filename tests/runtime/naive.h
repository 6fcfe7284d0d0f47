// What the runtime's kernels are held against: the same arithmetic written down as its definition
// says, in 128-bit integers and without a thought for speed, and random operands for it.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include "tuco/deploy/multiplier.h"
#include "tuco/deploy/runtime/requantize.h"
#include "tuco/deploy/runtime/window.h"

namespace tuco::deploy::naive {

using Wide = __int128;

inline Wide floor_quotient(Wide a, Wide b) { return a / b - (a % b != 0 && (a < 0) != (b < 0)); }

/// a / 2^n to nearest, ties up.
inline Wide round_ties_up(Wide a, int n) {
  return floor_quotient(2 * a + (Wide{1} << n), Wide{2} << n);
}

/// a / 2^n to nearest, ties away from zero.
inline Wide round_ties_away(Wide a, int n) {
  return a < 0 ? -round_ties_up(-a, n) : round_ties_up(a, n);
}

/// x * multiplier / 2^31 * 2^shift in one of the two roundings.
inline int64_t scaled(int64_t x, int64_t multiplier, int shift, int32_t rounding) {
  if (rounding == TUCO_SINGLE_ROUNDING)
    return static_cast<int64_t>(round_ties_up(Wide{x} * multiplier, 31 - shift));
  const Wide high = round_ties_up(Wide{x} * (Wide{1} << std::max(shift, 0)) * multiplier, 31);
  return static_cast<int64_t>(round_ties_away(high, std::max(-shift, 0)));
}

inline int8_t clamped(int64_t value, int64_t low, int64_t high) {
  return static_cast<int8_t>(std::clamp(value, low, high));
}

/// A source of operands that favours the ends of their range.
class Draw {
 public:
  explicit Draw(unsigned seed) : engine_(seed) {}

  int32_t between(int32_t low, int32_t high) {
    return std::uniform_int_distribution<int32_t>(low, high)(engine_);
  }
  int8_t int8(int32_t low = -128) {
    const int32_t kind = between(0, 9);
    return static_cast<int8_t>(kind == 0 ? low : kind == 1 ? 127 : between(low, 127));
  }
  std::vector<int8_t> int8s(size_t size, int32_t low = -128) {
    std::vector<int8_t> values(size);
    for (int8_t& value : values) value = int8(low);
    return values;
  }
  float scale(double low, double high) {
    std::uniform_real_distribution<double> exponent(std::log(low), std::log(high));
    return static_cast<float>(std::exp(exponent(engine_)));
  }
  /// Factors over the whole range that int8 layers have; every fourth is a power of two, which
  /// makes ties.
  Multiplier factor() {
    const double value = between(0, 3) == 0 ? std::ldexp(1.0, -between(0, 14)) : scale(1e-5, 1.5);
    return quantize_multiplier(value);
  }

 private:
  std::mt19937 engine_;
};

/// The output channels' bias, multipliers and shifts, and the requantization that points to them.
struct Channels {
  std::vector<int32_t> bias, multiplier;
  std::vector<int8_t> shift;
  tuco_requantization r;
  bool has_bias;

  Channels(Draw& draw, int32_t count) {
    const bool per_channel = draw.between(0, 3) != 0;
    has_bias = draw.between(0, 3) != 0;
    for (int32_t i = 0; i < count; i++) bias.push_back(draw.between(-9000, 9000));
    for (int32_t i = 0; i < (per_channel ? count : 1); i++) {
      const Multiplier m = draw.factor();
      multiplier.push_back(m.value);
      shift.push_back(static_cast<int8_t>(m.shift));
    }
    const int32_t a = draw.int8(), b = draw.int8();
    const bool activation = draw.between(0, 1) != 0;
    r = {multiplier.data(),
         shift.data(),
         per_channel,
         draw.int8(),
         activation ? std::min(a, b) : -128,
         activation ? std::max(a, b) : 127,
         draw.between(0, 1)};
  }
  Channels(const Channels&) = delete;
  Channels& operator=(const Channels&) = delete;

  const int32_t* bias_or_null() const { return has_bias ? bias.data() : nullptr; }

  int8_t finish(int64_t sum, int32_t c) const {
    const size_t i = r.per_channel ? static_cast<size_t>(c) : 0;
    if (has_bias) sum += bias[static_cast<size_t>(c)];
    return clamped(scaled(sum, multiplier[i], shift[i], r.rounding) + r.zero_point, r.low, r.high);
  }
};

/// A window over an image: sizes, strides, dilation and paddings small but odd in every way. Each
/// window of a pool holds a cell of the image, as pool.h asks; padding there is below the reach.
inline tuco_window draw_window(Draw& draw, bool pool) {
  while (true) {
    tuco_window g{};
    g.in_h = draw.between(1, 9), g.in_w = draw.between(1, 9), g.in_c = draw.between(1, 9);
    g.kernel_h = draw.between(1, 5), g.kernel_w = draw.between(1, 5);
    g.stride_h = draw.between(1, 3), g.stride_w = draw.between(1, 3);
    g.dilation_h = pool ? 1 : draw.between(1, 3), g.dilation_w = pool ? 1 : draw.between(1, 3);
    const int32_t widest = pool ? std::min(g.kernel_h, g.kernel_w) - 1 : 6;
    g.pad_top = draw.between(0, widest), g.pad_bottom = draw.between(0, widest);
    g.pad_left = draw.between(0, widest), g.pad_right = draw.between(0, widest);
    g.groups = 1;
    g.out_c = g.in_c;
    const int32_t h = g.in_h + g.pad_top + g.pad_bottom - (g.kernel_h - 1) * g.dilation_h - 1;
    const int32_t w = g.in_w + g.pad_left + g.pad_right - (g.kernel_w - 1) * g.dilation_w - 1;
    if (h < 0 || w < 0) continue;
    g.out_h = h / g.stride_h + 1, g.out_w = w / g.stride_w + 1;
    return g;
  }
}

/// Calls visit(cell, tap) with (row, column) of each tap of output (y, x) that lies in the image.
template <class Visit>
void for_each_tap(const tuco_window& g, int32_t y, int32_t x, Visit visit) {
  for (int32_t ky = 0; ky < g.kernel_h; ky++)
    for (int32_t kx = 0; kx < g.kernel_w; kx++) {
      const int32_t row = y * g.stride_h - g.pad_top + ky * g.dilation_h;
      const int32_t column = x * g.stride_w - g.pad_left + kx * g.dilation_w;
      if (row >= 0 && row < g.in_h && column >= 0 && column < g.in_w)
        visit(static_cast<size_t>(row * g.in_w + column),
              static_cast<size_t>(ky * g.kernel_w + kx));
    }
}

}  // namespace tuco::deploy::naive
