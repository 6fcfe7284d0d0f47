#include "tuco/devices/cpu/pool_kernels.h"

#include "tuco/tests/devices/kernel_test.h"

namespace tuco::cpu {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// Output sizes as PyTorch has them: with ceil_mode no window starts beyond the image.
WindowGeometry pooling(int64_t batch, int64_t h, int64_t w, int64_t channels, Hw kernel, Hw stride,
                       Padding padding = 0, bool ceil_mode = false, Hw dilation = 1) {
  const auto out = [&](int64_t in, int64_t before, int64_t after, int64_t k, int64_t s, int64_t d) {
    const int64_t span = in + before + after - (k - 1) * d - 1;
    int64_t count = (span + (ceil_mode ? s - 1 : 0)) / s + 1;
    if (ceil_mode && (count - 1) * s >= in + before) --count;
    return count;
  };
  return {batch,
          h,
          w,
          channels,
          out(h, padding.top, padding.bottom, kernel.h, stride.h, dilation.h),
          out(w, padding.left, padding.right, kernel.w, stride.w, dilation.w),
          channels,
          kernel,
          stride,
          dilation,
          padding};
}

const WindowGeometry kGeometries[] = {
    pooling(2, 8, 10, 32, 2, 2),
    pooling(1, 9, 7, 5, 3, 2, 1),
    pooling(2, 6, 9, 70, Hw(2, 3), Hw(1, 2), {0, 1, 1, 0}),
    pooling(1, 7, 7, 3, 3, 2, 0, true),
    pooling(2, 8, 8, 17, 3, 2, 1, true),
    pooling(1, 9, 9, 4, 2, 1, 1, false, 2),
    pooling(3, 5, 6, 100, Hw(5, 6), 1),  // the whole image
    pooling(2, 1, 1, 1, 1, 1),
    pooling(1, 40, 33, 2, Hw(40, 33), 1),
    pooling(0, 4, 4, 3, 2, 2),
    pooling(2, 7, 5, 20, 2, 3),  // pixels between windows
};

int64_t inputs(const WindowGeometry& g) { return g.batch * g.in_h * g.in_w * g.in_c; }
int64_t outputs(const WindowGeometry& g) { return g.batch * g.out_h * g.out_w * g.in_c; }

template <class T>
struct Results {
  std::vector<T> y, dx;
  std::vector<int32_t> winner;
};

template <class T>
Results<T> max_pool(const WindowGeometry& g, const std::vector<float>& x,
                    const std::vector<float>& dy) {
  const std::vector<T> in(x.begin(), x.end()), grad(dy.begin(), dy.end());
  Results<T> r{unwritten<T>(outputs(g)), unwritten<T>(inputs(g)),
               std::vector<int32_t>(outputs(g), -7)};
  max_pool_forward<T>(g, in.data(), r.y.data(), r.winner.data());
  max_pool_backward<T>(g, grad.data(), r.winner.data(), r.dx.data());
  return r;
}

template <class T>
Results<T> average_pool(const WindowGeometry& g, bool count_include_pad,
                        const std::vector<float>& x, const std::vector<float>& dy) {
  const std::vector<T> in(x.begin(), x.end()), grad(dy.begin(), dy.end());
  Results<T> r{unwritten<T>(outputs(g)), unwritten<T>(inputs(g)), {}};
  average_pool_forward<T>(g, count_include_pad, in.data(), r.y.data());
  average_pool_backward<T>(g, count_include_pad, grad.data(), r.dx.data());
  return r;
}

TEST(PoolKernels, MaxOnKnownNumbers) {
  const double x[] = {1, 5, 5, 2, kNan, 0, -1, -2, -3}, dy[] = {1, 2, 3, 4};
  double y[4], dx[9];
  int32_t winner[4];
  const WindowGeometry g = pooling(1, 3, 3, 1, 2, 1);
  max_pool_forward<double>(g, x, y, winner);
  for (const double v : y) EXPECT_TRUE(std::isnan(v));
  EXPECT_EQ(winner[3], 4);
  const double finite[] = {1, 5, 5, 2, 4, 0, -1, -2, -3};
  max_pool_forward<double>(g, finite, y, winner);
  EXPECT_EQ(std::vector<double>(y, y + 4), (std::vector<double>{5, 5, 4, 4}));
  EXPECT_EQ(std::vector<int32_t>(winner, winner + 4), (std::vector<int32_t>{1, 1, 4, 4}));
  max_pool_backward<double>(g, dy, winner, dx);
  EXPECT_EQ(std::vector<double>(dx, dx + 9), (std::vector<double>{0, 3, 0, 0, 7, 0, 0, 0, 0}));
}

TEST(PoolKernels, AverageOnKnownNumbers) {
  const double x[] = {1, 2, 3, 4};
  double y[4];
  const WindowGeometry g = pooling(1, 2, 2, 1, 2, 2, 1);
  average_pool_forward<double>(g, true, x, y);
  EXPECT_EQ(std::vector<double>(y, y + 4), (std::vector<double>{0.25, 0.5, 0.75, 1}));
  average_pool_forward<double>(g, false, x, y);
  EXPECT_EQ(std::vector<double>(y, y + 4), (std::vector<double>{1, 2, 3, 4}));
  // What hangs over beyond the padding is never counted.
  const double row[] = {1, 2, 3};
  average_pool_forward<double>(pooling(1, 1, 3, 1, Hw(1, 2), Hw(1, 2), 0, true), true, row, y);
  EXPECT_EQ(y[0], 1.5);
  EXPECT_EQ(y[1], 3);
}

TEST(PoolKernels, Float32EqualsFloat64) {
  for (const WindowGeometry& g : kGeometries) {
    SCOPED_TRACE(
        fmt::format("{}x{}x{}x{} -> {}x{}", g.batch, g.in_h, g.in_w, g.in_c, g.out_h, g.out_w));
    // Few different values, so that there are equal maxima.
    std::vector<float> x = normal_values(inputs(g), 1);
    for (float& v : x) v = std::round(2 * v);
    const std::vector<float> dy = normal_values(outputs(g), 2);
    const auto exact = max_pool<double>(g, x, dy);
    on_every_isa([&] {
      const auto got = max_pool<float>(g, x, dy);
      EXPECT_EQ(got.winner, exact.winner);
      expect_close(got.y, exact.y, 0);
      expect_close(got.dx, exact.dx, 1e-6);
      std::vector<float> y = unwritten<float>(outputs(g));
      max_pool_forward<float>(g, x.data(), y.data(), nullptr);
      EXPECT_EQ(y, got.y);
      for (const bool count_include_pad : {false, true}) {
        const auto mean = average_pool<double>(g, count_include_pad, x, dy);
        const auto fast = average_pool<float>(g, count_include_pad, x, dy);
        expect_close(fast.y, mean.y, 1e-6);
        expect_close(fast.dx, mean.dx, 1e-6);
      }
    });
  }
}

TEST(PoolKernels, Float32PropagatesNan) {
  const WindowGeometry g = pooling(1, 4, 4, 40, 2, 2);
  for (const int64_t pixel : {0, 1, 4, 5}) {
    std::vector<float> x = normal_values(inputs(g), 1);
    x[pixel * 40 + 39] = std::numeric_limits<float>::quiet_NaN();
    on_every_isa([&] {
      const auto got = max_pool<float>(g, x, normal_values(outputs(g), 2));
      EXPECT_TRUE(std::isnan(got.y[39]));
      EXPECT_EQ(got.winner[39], pixel);
      EXPECT_FALSE(std::isnan(got.y[38]));
    });
  }
}

TEST(PoolKernels, Float64GradientsAreAdjoint) {
  for (const WindowGeometry& g : kGeometries) {
    const std::vector<float> x = normal_values(inputs(g), 1), dy = normal_values(outputs(g), 2);
    const auto top = max_pool<double>(g, x, dy);
    EXPECT_NEAR(dot(top.y, as_double(dy)), dot(as_double(x), top.dx), 1e-9);
    const auto mean = average_pool<double>(g, true, x, dy);
    EXPECT_NEAR(dot(mean.y, as_double(dy)), dot(as_double(x), mean.dx), 1e-9);
  }
}

}  // namespace
}  // namespace tuco::cpu
