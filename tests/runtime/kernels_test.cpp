// Every kernel of the runtime against its definition, over random geometry and operands.
#include <gtest/gtest.h>

#include "tests/runtime/naive.h"
#include "tuco/deploy/runtime/add.h"
#include "tuco/deploy/runtime/clamp.h"
#include "tuco/deploy/runtime/concat.h"
#include "tuco/deploy/runtime/conv2d.h"
#include "tuco/deploy/runtime/copy_strided.h"
#include "tuco/deploy/runtime/depthwise.h"
#include "tuco/deploy/runtime/fully_connected.h"
#include "tuco/deploy/runtime/lookup.h"
#include "tuco/deploy/runtime/maximum.h"
#include "tuco/deploy/runtime/mean.h"
#include "tuco/deploy/runtime/mul.h"
#include "tuco/deploy/runtime/pad.h"
#include "tuco/deploy/runtime/pool.h"
#include "tuco/deploy/runtime/prelu.h"
#include "tuco/deploy/runtime/resize.h"

namespace tuco::deploy {
namespace {

using naive::Channels;
using naive::Draw;

size_t pixels_in(const tuco_window& g) { return static_cast<size_t>(g.in_h * g.in_w); }
size_t pixels_out(const tuco_window& g) { return static_cast<size_t>(g.out_h * g.out_w); }

TEST(RuntimeKernels, Conv2d) {
  for (unsigned seed = 0; seed < 400; seed++) {
    Draw draw(seed);
    tuco_window g = naive::draw_window(draw, false);
    g.groups = draw.between(1, 3) == 1 ? draw.between(2, 3) : 1;
    const int32_t group_in = draw.between(1, 6), group_out = draw.between(1, 9);
    g.in_c = g.groups * group_in, g.out_c = g.groups * group_out;
    const int32_t zero_point = draw.int8();
    const auto in = draw.int8s(pixels_in(g) * static_cast<size_t>(g.in_c));
    const auto filter = static_cast<size_t>(g.kernel_h * g.kernel_w * group_in);
    const auto weights = draw.int8s(filter * static_cast<size_t>(g.out_c));
    const Channels channels(draw, g.out_c);

    std::vector<int8_t> expected;
    for (int32_t y = 0; y < g.out_h; y++)
      for (int32_t x = 0; x < g.out_w; x++)
        for (int32_t c = 0; c < g.out_c; c++) {
          int64_t sum = 0;
          naive::for_each_tap(g, y, x, [&](size_t cell, size_t tap) {
            for (int32_t i = 0; i < group_in; i++)
              sum += (in[cell * static_cast<size_t>(g.in_c) +
                         static_cast<size_t>(c / group_out * group_in + i)] -
                      zero_point) *
                     weights[static_cast<size_t>(c) * filter + tap * static_cast<size_t>(group_in) +
                             static_cast<size_t>(i)];
          });
          expected.push_back(channels.finish(sum, c));
        }
    std::vector<int8_t> out(expected.size(), 99);
    tuco_conv2d(out.data(), in.data(), weights.data(), channels.bias_or_null(), &g, zero_point,
                &channels.r);
    ASSERT_EQ(out, expected) << "seed " << seed;
  }
}

TEST(RuntimeKernels, Depthwise) {
  for (unsigned seed = 0; seed < 400; seed++) {
    Draw draw(seed);
    tuco_window g = naive::draw_window(draw, false);
    const int32_t multiplier = draw.between(0, 1) ? 1 : draw.between(2, 4);
    g.out_c = g.in_c * multiplier;
    const int32_t zero_point = draw.int8();
    const auto in = draw.int8s(pixels_in(g) * static_cast<size_t>(g.in_c));
    const auto weights = draw.int8s(static_cast<size_t>(g.kernel_h * g.kernel_w * g.out_c));
    const Channels channels(draw, g.out_c);

    std::vector<int8_t> expected;
    for (int32_t y = 0; y < g.out_h; y++)
      for (int32_t x = 0; x < g.out_w; x++)
        for (int32_t c = 0; c < g.out_c; c++) {
          int64_t sum = 0;
          naive::for_each_tap(g, y, x, [&](size_t cell, size_t tap) {
            sum += (in[cell * static_cast<size_t>(g.in_c) + static_cast<size_t>(c / multiplier)] -
                    zero_point) *
                   weights[tap * static_cast<size_t>(g.out_c) + static_cast<size_t>(c)];
          });
          expected.push_back(channels.finish(sum, c));
        }
    std::vector<int8_t> out(expected.size(), 99);
    tuco_depthwise(out.data(), in.data(), weights.data(), channels.bias_or_null(), &g, zero_point,
                   &channels.r);
    ASSERT_EQ(out, expected) << "seed " << seed;
  }
}

TEST(RuntimeKernels, FullyConnectedAndItsFoldedBias) {
  for (unsigned seed = 0; seed < 300; seed++) {
    Draw draw(seed);
    const int32_t rows = draw.between(1, 4), in_c = draw.between(1, 70),
                  out_c = draw.between(1, 17);
    const int32_t zero_point = draw.int8();
    const auto in = draw.int8s(static_cast<size_t>(rows * in_c));
    const auto weights = draw.int8s(static_cast<size_t>(in_c * out_c));
    const Channels channels(draw, out_c);

    std::vector<int8_t> expected;
    std::vector<int32_t> folded;
    for (int32_t row = 0; row < rows; row++)
      for (int32_t c = 0; c < out_c; c++) {
        int64_t sum = 0;
        int32_t weight_sum = 0;
        for (int32_t i = 0; i < in_c; i++) {
          const int32_t weight = weights[static_cast<size_t>(c * in_c + i)];
          sum += (in[static_cast<size_t>(row * in_c + i)] - zero_point) * weight;
          weight_sum += weight;
        }
        expected.push_back(channels.finish(sum, c));
        const int32_t bias = channels.has_bias ? channels.bias[static_cast<size_t>(c)] : 0;
        if (row == 0) folded.push_back(bias - zero_point * weight_sum);
      }
    std::vector<int8_t> out(expected.size(), 99);
    tuco_fully_connected(out.data(), in.data(), weights.data(), channels.bias_or_null(), rows, in_c,
                         out_c, zero_point, &channels.r);
    ASSERT_EQ(out, expected) << "seed " << seed;
    std::ranges::fill(out, int8_t{99});
    tuco_fully_connected(out.data(), in.data(), weights.data(), folded.data(), rows, in_c, out_c, 0,
                         &channels.r);
    ASSERT_EQ(out, expected) << "folded, seed " << seed;
  }
}

TEST(RuntimeKernels, Pools) {
  for (unsigned seed = 0; seed < 400; seed++) {
    Draw draw(seed);
    tuco_window g = naive::draw_window(draw, true);
    if (draw.between(0, 3) == 0 && g.in_h + g.pad_top > g.out_h * g.stride_h)
      g.out_h++;  // as when the size is rounded up: the last window reaches beyond the padding
    const auto in = draw.int8s(pixels_in(g) * static_cast<size_t>(g.in_c));
    const int32_t zero_point = draw.int8(), a = draw.int8(), b = draw.int8();
    const int32_t low = std::min(a, b), high = std::max(a, b);

    std::vector<int8_t> largest, means, padded_means;
    for (int32_t y = 0; y < g.out_h; y++)
      for (int32_t x = 0; x < g.out_w; x++)
        for (int32_t c = 0; c < g.in_c; c++) {
          int64_t best = -128, sum = 0, cells = 0;
          naive::for_each_tap(g, y, x, [&](size_t cell, size_t) {
            const int64_t value = in[cell * static_cast<size_t>(g.in_c) + static_cast<size_t>(c)];
            best = std::max(best, value), sum += value, cells++;
          });
          ASSERT_GT(cells, 0);
          int64_t all = 0;
          for (int32_t ky = 0; ky < g.kernel_h; ky++)
            for (int32_t kx = 0; kx < g.kernel_w; kx++)
              all += y * g.stride_h + ky < g.pad_top + g.in_h + g.pad_bottom &&
                     x * g.stride_w + kx < g.pad_left + g.in_w + g.pad_right;
          const auto mean = [&](int64_t total, int64_t count) {  // std::round: ties away
            return static_cast<int64_t>(
                std::round(static_cast<double>(total) / static_cast<double>(count)));
          };
          largest.push_back(naive::clamped(best, low, high));
          means.push_back(naive::clamped(mean(sum, cells), low, high));
          padded_means.push_back(
              naive::clamped(mean(sum + (all - cells) * zero_point, all), low, high));
        }
    std::vector<int8_t> out(pixels_out(g) * static_cast<size_t>(g.in_c), 99);
    tuco_max_pool(out.data(), in.data(), &g, low, high);
    ASSERT_EQ(out, largest) << "seed " << seed;
    tuco_average_pool(out.data(), in.data(), &g, low, high, 0, zero_point);
    ASSERT_EQ(out, means) << "seed " << seed;
    tuco_average_pool(out.data(), in.data(), &g, low, high, 1, zero_point);
    ASSERT_EQ(out, padded_means) << "seed " << seed;
  }
}

TEST(RuntimeKernels, GlobalPoolsAreWindowsOverTheWholeImage) {
  Draw draw(1);
  const auto in = draw.int8s(35 * 6);
  std::vector<int8_t> out(6), expected(6);
  const tuco_window g = {5, 7, 6, 1, 1, 6, 5, 7, 1, 1, 1, 1, 0, 0, 0, 0, 1};
  tuco_global_max_pool(out.data(), in.data(), 35, 6, -128, 100);
  tuco_max_pool(expected.data(), in.data(), &g, -128, 100);
  EXPECT_EQ(out, expected);
  tuco_global_average_pool(out.data(), in.data(), 35, 6, -3, 127);
  tuco_average_pool(expected.data(), in.data(), &g, -3, 127, 0, 0);
  EXPECT_EQ(out, expected);
}

TEST(RuntimeKernels, AddIsRightInPlaceAndNearTheRealSum) {
  for (unsigned seed = 0; seed < 300; seed++) {
    Draw draw(seed);
    const float a_scale = draw.scale(1e-3, 0.3), b_scale = draw.scale(1e-3, 0.3);
    const float out_scale = draw.scale(5e-3, 0.6);
    const int32_t rounding = draw.between(0, 1);
    const AddMultipliers m = add_multipliers(a_scale, b_scale, out_scale);
    const tuco_addition p = {draw.int8(), m.a.value, m.a.shift,   draw.int8(),
                             m.b.value,   m.b.shift, draw.int8(), m.out.value,
                             m.out.shift, -128,      127,         rounding};
    auto a = draw.int8s(200);
    const auto b = draw.int8s(200);
    std::vector<int8_t> expected;
    for (size_t i = 0; i < a.size(); i++) {
      const int64_t x = naive::scaled((a[i] - p.a_zero_point) * (int64_t{1} << 20), m.a.value,
                                      m.a.shift, rounding);
      const int64_t y = naive::scaled((b[i] - p.b_zero_point) * (int64_t{1} << 20), m.b.value,
                                      m.b.shift, rounding);
      const int64_t sum = naive::scaled(x + y, m.out.value, m.out.shift, rounding);
      expected.push_back(naive::clamped(sum + p.out_zero_point, -128, 127));
      const double real = (static_cast<double>(a_scale) * (a[i] - p.a_zero_point) +
                           static_cast<double>(b_scale) * (b[i] - p.b_zero_point)) /
                          static_cast<double>(out_scale);
      ASSERT_NEAR(expected.back(), std::clamp(real + p.out_zero_point, -128.0, 127.0), 0.51);
    }
    tuco_add(a.data(), a.data(), b.data(), 200, &p);
    ASSERT_EQ(a, expected) << "seed " << seed;
  }
}

TEST(RuntimeKernels, MeanIsNearTheRealMean) {
  for (unsigned seed = 0; seed < 300; seed++) {
    Draw draw(seed);
    const int32_t outer = draw.between(1, 3), reduced = draw.between(1, 150);
    const int32_t inner = draw.between(1, 9), in_zp = draw.int8(), out_zp = draw.int8();
    const int32_t rounding = draw.between(0, 1);
    const float in_scale = draw.scale(1e-3, 0.1), out_scale = draw.scale(1e-3, 0.1);
    const double factor = rescale_factor(in_scale, out_scale);
    const Multiplier m = mean_multiplier(quantize_multiplier(factor), reduced);
    const auto in = draw.int8s(static_cast<size_t>(outer * reduced * inner));
    std::vector<int8_t> out(static_cast<size_t>(outer * inner)), expected;
    for (int32_t o = 0; o < outer; o++)
      for (int32_t i = 0; i < inner; i++) {
        int64_t sum = 0;
        for (int32_t k = 0; k < reduced; k++)
          sum += in[static_cast<size_t>((o * reduced + k) * inner + i)] - in_zp;
        const int64_t mean = naive::scaled(sum, m.value, m.shift, rounding);
        expected.push_back(naive::clamped(mean + out_zp, -128, 127));
        const double real = static_cast<double>(sum) / reduced * factor + out_zp;
        ASSERT_NEAR(expected.back(), std::clamp(real, -128.0, 127.0), 0.76);
      }
    tuco_mean(out.data(), in.data(), outer, reduced, inner, in_zp, m.value, m.shift, out_zp,
              rounding);
    ASSERT_EQ(out, expected) << "seed " << seed;
  }
}

TEST(RuntimeKernels, RescaleAndClampInPlace) {
  for (unsigned seed = 0; seed < 200; seed++) {
    Draw draw(seed);
    const Multiplier m = draw.factor();
    const int32_t in_zp = draw.int8(), out_zp = draw.int8(), rounding = draw.between(0, 1);
    const int32_t a = draw.int8(), b = draw.int8(), low = std::min(a, b), high = std::max(a, b);
    const auto in = draw.int8s(100);
    std::vector<int8_t> rescaled, clamped;
    for (int8_t value : in) {
      const int32_t x = value - in_zp;
      const int64_t y = naive::scaled(x, m.value, m.shift, rounding) + out_zp;
      rescaled.push_back(naive::clamped(y, low, high));
      clamped.push_back(naive::clamped(value, low, high));
    }
    auto out = in;
    tuco_rescale(out.data(), out.data(), 100, in_zp, m.value, m.shift, out_zp, low, high, rounding);
    ASSERT_EQ(out, rescaled) << "seed " << seed;
    out = in;
    tuco_clamp(out.data(), out.data(), 100, low, high);
    ASSERT_EQ(out, clamped) << "seed " << seed;
  }
}

/// Operands that broadcast, of random sizes, and the place of each element of theirs.
struct Operands {
  tuco_broadcast g{};
  std::vector<int8_t> a, b;
  std::vector<size_t> at_a, at_b;

  explicit Operands(Draw& draw) {
    int32_t a_size = 1, b_size = 1;
    for (int32_t d = 3; d >= 0; d--) {
      const int32_t kind = draw.between(0, 3);
      g.size[d] = draw.between(1, 5);
      g.a_step[d] = kind == 1 ? 0 : a_size;
      g.b_step[d] = kind == 2 ? 0 : b_size;
      a_size *= kind == 1 ? 1 : g.size[d];
      b_size *= kind == 2 ? 1 : g.size[d];
    }
    a = draw.int8s(static_cast<size_t>(a_size));
    b = draw.int8s(static_cast<size_t>(b_size));
    for (int32_t i = 0; i < g.size[0]; i++)
      for (int32_t j = 0; j < g.size[1]; j++)
        for (int32_t k = 0; k < g.size[2]; k++)
          for (int32_t l = 0; l < g.size[3]; l++) {
            const auto place = [&](const int32_t* step) {
              return static_cast<size_t>(i * step[0] + j * step[1] + k * step[2] + l * step[3]);
            };
            at_a.push_back(place(g.a_step));
            at_b.push_back(place(g.b_step));
          }
  }
  template <class F>
  std::vector<int8_t> expected(F&& f) const {
    std::vector<int8_t> result;
    for (size_t i = 0; i < at_a.size(); i++) result.push_back(f(a[at_a[i]], b[at_b[i]]));
    return result;
  }
  template <class F>
  std::vector<int8_t> run(F&& kernel) const {
    std::vector<int8_t> out(at_a.size(), 99);
    kernel(out.data(), a.data(), b.data(), &g);
    return out;
  }
};

TEST(RuntimeKernels, OperandsThatBroadcast) {
  for (unsigned seed = 0; seed < 300; seed++) {
    SCOPED_TRACE(seed);
    Draw draw(seed);
    const Operands operands(draw);
    const float a_scale = draw.scale(1e-3, 0.3), b_scale = draw.scale(1e-3, 0.3);
    const float out_scale = draw.scale(5e-3, 0.6);
    const int32_t rounding = draw.between(0, 1), low = draw.int8(), high = std::max(low, 100);
    const AddMultipliers m = add_multipliers(a_scale, b_scale, out_scale);
    const tuco_addition p = {draw.int8(), m.a.value, m.a.shift,   draw.int8(),
                             m.b.value,   m.b.shift, draw.int8(), m.out.value,
                             m.out.shift, low,       high,        rounding};
    const auto sum = [&](int8_t a, int8_t b, int64_t sign) {
      const int64_t x = naive::scaled((a - p.a_zero_point) * (int64_t{1} << 20), m.a.value,
                                      m.a.shift, rounding);
      const int64_t y = naive::scaled((b - p.b_zero_point) * (int64_t{1} << 20), m.b.value,
                                      m.b.shift, rounding);
      return naive::clamped(
          naive::scaled(x + sign * y, m.out.value, m.out.shift, rounding) + p.out_zero_point, low,
          high);
    };
    EXPECT_EQ(operands.run([&](auto... x) { tuco_add_broadcast(x..., &p); }),
              operands.expected([&](int8_t a, int8_t b) { return sum(a, b, 1); }));
    EXPECT_EQ(operands.run([&](auto... x) { tuco_subtract(x..., &p); }),
              operands.expected([&](int8_t a, int8_t b) { return sum(a, b, -1); }));

    const Multiplier factor = draw.factor();
    const tuco_multiplication q = {draw.int8(),  draw.int8(), draw.int8(), factor.value,
                                   factor.shift, low,         high,        rounding};
    EXPECT_EQ(operands.run([&](auto... x) { tuco_multiply(x..., &q); }),
              operands.expected([&](int8_t a, int8_t b) {
                const int64_t product =
                    int64_t{a - q.a_zero_point} * int64_t{b - q.b_zero_point};
                return naive::clamped(
                    naive::scaled(product, factor.value, factor.shift, rounding) +
                        q.out_zero_point,
                    low, high);
              }));
    const Multiplier below = draw.factor();
    const tuco_rectification r = {draw.int8(),  draw.int8(), draw.int8(), factor.value,
                                  factor.shift, below.value, below.shift, rounding};
    EXPECT_EQ(operands.run([&](auto... x) { tuco_prelu(x..., &r); }),
              operands.expected([&](int8_t a, int8_t b) {
                const int64_t x = a - r.a_zero_point, slope = b - r.b_zero_point;
                const int64_t y = x < 0
                                      ? naive::scaled(x * slope, below.value, below.shift, rounding)
                                      : naive::scaled(x, factor.value, factor.shift, rounding);
                return naive::clamped(y + r.out_zero_point, -128, 127);
              }));
    EXPECT_EQ(operands.run([](auto... x) { tuco_maximum(x...); }),
              operands.expected([](int8_t a, int8_t b) { return std::max(a, b); }));
    EXPECT_EQ(operands.run([](auto... x) { tuco_minimum(x...); }),
              operands.expected([](int8_t a, int8_t b) { return std::min(a, b); }));
  }
}

TEST(RuntimeKernels, OperandsMayBeTheResult) {
  Draw draw(1);
  std::vector<int8_t> a = draw.int8s(12), b = draw.int8s(3), expected;
  for (size_t i = 0; i < 12; i++) expected.push_back(std::max(a[i], b[i % 3]));
  const tuco_broadcast g = {{1, 1, 4, 3}, {0, 0, 3, 1}, {0, 0, 0, 1}};
  tuco_maximum(a.data(), a.data(), b.data(), &g);
  EXPECT_EQ(a, expected);
}

TEST(RuntimeKernels, StridedCopiesAndResizing) {
  for (unsigned seed = 0; seed < 200; seed++) {
    Draw draw(seed);
    tuco_strides g;
    int32_t reach = 0;
    const int32_t offset = draw.between(0, 3);
    for (int32_t d = 0; d < 4; d++) {
      g.size[d] = draw.between(1, 4);
      g.step[d] = draw.between(d == 3 ? 1 : 0, 7);
      reach += (g.size[d] - 1) * g.step[d];
    }
    const auto in = draw.int8s(static_cast<size_t>(offset + reach + 1));
    std::vector<int8_t> expected;
    for (int32_t i = 0; i < g.size[0]; i++)
      for (int32_t j = 0; j < g.size[1]; j++)
        for (int32_t k = 0; k < g.size[2]; k++)
          for (int32_t l = 0; l < g.size[3]; l++)
            expected.push_back(in[static_cast<size_t>(offset + i * g.step[0] + j * g.step[1] +
                                                      k * g.step[2] + l * g.step[3])]);
    std::vector<int8_t> out(expected.size(), 99);
    tuco_copy_strided(out.data(), in.data() + offset, &g);
    ASSERT_EQ(out, expected) << "seed " << seed;
  }
  const std::vector<int8_t> in = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};  // (3, 2, 2)
  std::vector<int8_t> out(2 * 3 * 2, 99);
  const int8_t rows[] = {1, 1}, columns[] = {0, 1, 0};
  tuco_resize_nearest(out.data(), in.data(), 2, 2, 2, 3, rows, columns);
  EXPECT_EQ(out, std::vector<int8_t>({5, 6, 7, 8, 7, 8, 9, 10, 11, 12, 11, 12}));
}

TEST(RuntimeKernels, LookupInPlace) {
  Draw draw(1);
  const auto table = draw.int8s(256), in = draw.int8s(300);
  std::vector<int8_t> out = in;
  tuco_lookup(out.data(), out.data(), 300, table.data());
  for (size_t i = 0; i < in.size(); i++)
    EXPECT_EQ(out[i], table[static_cast<size_t>(in[i] + 128)]);
}

TEST(RuntimeKernels, ConcatAndPad) {
  const std::vector<int8_t> a = {1, 2, 3, 4}, b = {5, 6, 7, 8, 9, 10};
  std::vector<int8_t> out(10, 99);
  tuco_concat(out.data(), a.data(), 2, 2, 5, 0);
  tuco_concat(out.data(), b.data(), 2, 3, 5, 2);
  EXPECT_EQ(out, std::vector<int8_t>({1, 2, 5, 6, 7, 3, 4, 8, 9, 10}));

  out.assign(2 * 4 * 4, 99);  // (1, 2, 2) with a row above, a column on each side, channels around
  tuco_pad(out.data(), a.data(), 1, 2, 2, 1, 0, 1, 1, 1, 1, -7);
  std::vector<int8_t> expected(32, -7);
  expected[21] = 1, expected[22] = 2, expected[25] = 3, expected[26] = 4;
  EXPECT_EQ(out, expected);
}

}  // namespace
}  // namespace tuco::deploy
