#include "tuco/devices/cpu/batch_norm_kernels.h"

#include "tuco/tests/devices/kernel_test.h"

namespace tuco::cpu {
namespace {

// Channel values in both precisions.
struct Channels {
  explicit Channels(int64_t channels)
      : mean(normal_values(channels, 11)),
        inv_std(normal_values(channels, 12)),
        gamma(normal_values(channels, 13)),
        beta(normal_values(channels, 14)) {
    for (float& v : inv_std) v = 0.5f + std::abs(v);
    // Some that must not be divided by; the signs vary already.
    for (int64_t c = 0; c < channels; c += 5) gamma[c] = c % 2 ? 0 : 1e-6f;
  }
  std::vector<float> mean, inv_std, gamma, beta;
};

template <class T>
struct Case {
  Case(const Channels& c, bool affine, bool batch_statistics)
      : mean(c.mean.begin(), c.mean.end()),
        inv_std(c.inv_std.begin(), c.inv_std.end()),
        gamma(c.gamma.begin(), c.gamma.end()),
        beta(c.beta.begin(), c.beta.end()),
        norm{mean.data(), inv_std.data(), affine ? gamma.data() : nullptr,
             affine ? beta.data() : nullptr, batch_statistics} {}
  std::vector<T> mean, inv_std, gamma, beta;
  Normalization<T> norm;
};

template <class T>
struct Results {
  std::vector<T> y, dx, dgamma, dbeta;
  std::vector<uint8_t> winner;
};

template <class T>
Results<T> plain(int64_t rows, int64_t channels, const Case<T>& s, const std::vector<float>& x32,
                 const std::vector<float>& dy32) {
  const std::vector<T> x(x32.begin(), x32.end()), dy(dy32.begin(), dy32.end());
  Results<T> r{unwritten<T>(x.size()),
               unwritten<T>(x.size()),
               unwritten<T>(channels),
               unwritten<T>(channels),
               {}};
  batch_norm_forward<T>(rows, channels, s.norm, x.data(), r.y.data());
  batch_norm_backward<T>(rows, channels, s.norm, x.data(), dy.data(), r.dx.data(), r.dgamma.data(),
                         r.dbeta.data());
  return r;
}

template <class T>
Results<T> fused(const WindowGeometry& g, const Case<T>& s, const std::vector<float>& x32,
                 const std::vector<float>& dy32) {
  const std::vector<T> x(x32.begin(), x32.end()), dy(dy32.begin(), dy32.end());
  Results<T> r{unwritten<T>(dy.size()), x, unwritten<T>(g.in_c), unwritten<T>(g.in_c),
               std::vector<uint8_t>(dy.size(), 77)};
  bn_relu_pool_forward<T>(g, s.norm, x.data(), r.y.data(), r.winner.data());
  bn_relu_pool_backward<T>(g, s.norm, r.dx.data(), r.y.data(), r.winner.data(), dy.data(),
                           r.dx.data(), r.dgamma.data(), r.dbeta.data());  // in place
  std::vector<T> apart = unwritten<T>(x.size()), dgamma(g.in_c), dbeta(g.in_c);
  bn_relu_pool_backward<T>(g, s.norm, x.data(), r.y.data(), r.winner.data(), dy.data(),
                           apart.data(), dgamma.data(), dbeta.data());
  EXPECT_EQ(apart, r.dx);
  EXPECT_EQ(dgamma, r.dgamma);
  std::vector<T> y = unwritten<T>(dy.size());
  bn_relu_pool_forward<T>(g, s.norm, x.data(), y.data(), nullptr);
  EXPECT_EQ(y, r.y);
  return r;
}

WindowGeometry windows(int64_t batch, int64_t h, int64_t w, int64_t channels, Hw kernel) {
  return {batch, h, w, channels, h / kernel.h, w / kernel.w, channels, kernel, kernel};
}

const WindowGeometry kGeometries[] = {
    windows(2, 8, 6, 32, 2),         windows(3, 7, 9, 20, 2),  // a rest of rows and columns
    windows(2, 9, 10, 67, Hw(3, 2)), windows(2, 6, 6, 3, 3),  windows(1, 15, 17, 2, Hw(15, 17)),
    windows(1, 2, 2, 1, 2),          windows(2, 3, 3, 8, 4),  // no window fits
    windows(4, 32, 32, 16, 2),
};

int64_t inputs(const WindowGeometry& g) { return g.batch * g.in_h * g.in_w * g.in_c; }
int64_t outputs(const WindowGeometry& g) { return g.batch * g.out_h * g.out_w * g.in_c; }

TEST(BatchNormKernels, StatisticsAreExactWhateverTheMean) {
  for (const Matrix& s : {Matrix{1, 1}, {2, 40}, {1000, 33}, {5000, 3}, {300, 200}})
    for (const float mean : {0.f, 30.f, -1000.f}) {
      const int64_t rows = s.rows, channels = s.columns;
      SCOPED_TRACE(fmt::format("{} x {}, mean {}", rows, channels, mean));
      const std::vector<float> x = normal_values(rows * channels, 1, mean);
      std::vector<double> m(channels), v(channels), sums(channels);
      channel_statistics<double>(rows, channels, as_double(x).data(), m.data(), v.data());
      channel_sums<double>(rows, channels, as_double(x).data(), sums.data());
      on_every_isa([&] {
        std::vector<float> m32 = unwritten<float>(channels), v32 = m32, s32 = m32;
        channel_statistics<float>(rows, channels, x.data(), m32.data(), v32.data());
        channel_sums<float>(rows, channels, x.data(), s32.data());
        for (int64_t c = 0; c < channels; ++c)
          EXPECT_NEAR(m32[c], m[c], 1e-6 + 1e-7 * std::abs(m[c]));
        expect_close(s32, sums, 1e-5);
        if (rows > 1) expect_close(v32, v, 1e-5);
        if (rows == 1) {
          EXPECT_EQ(v32, std::vector<float>(channels));
        }
      });
    }
}

TEST(BatchNormKernels, StatisticsSurviveAnOutlierInFront) {
  std::vector<float> x = normal_values(4096, 1);
  x[0] = 1e6f;
  std::vector<double> m(1), v(1);
  channel_statistics<double>(4096, 1, as_double(x).data(), m.data(), v.data());
  on_every_isa([&] {
    std::vector<float> m32(1), v32(1);
    channel_statistics<float>(4096, 1, x.data(), m32.data(), v32.data());
    EXPECT_NEAR(m32[0], m[0], 1e-6 * std::sqrt(v[0]));
    expect_close(v32, v, 2e-5);
  });
}

TEST(BatchNormKernels, Float32EqualsFloat64) {
  for (const Matrix& size : {Matrix{1, 1}, {700, 33}, {64, 128}})
    for (const bool flag : {false, true}) {
      const int64_t rows = size.rows, channels = size.columns;
      const Channels values(channels);
      const std::vector<float> x = normal_values(rows * channels, 1, 2),
                               dy = normal_values(rows * channels, 2);
      const auto exact = plain(rows, channels, Case<double>(values, flag, !flag), x, dy);
      on_every_isa([&] {
        const Case<float> s(values, flag, !flag);
        const auto got = plain(rows, channels, s, x, dy);
        expect_close(got.y, exact.y, 1e-5);
        expect_close(got.dx, exact.dx, 1e-5);
        expect_close(got.dgamma, exact.dgamma, 1e-5);
        expect_close(got.dbeta, exact.dbeta, 1e-5);
        // dx over x, and over dy.
        std::vector<float> over_x = x, over_dy = dy, dgamma(channels), dbeta(channels);
        batch_norm_backward<float>(rows, channels, s.norm, over_x.data(), dy.data(), over_x.data(),
                                   dgamma.data(), dbeta.data());
        batch_norm_backward<float>(rows, channels, s.norm, x.data(), over_dy.data(), over_dy.data(),
                                   dgamma.data(), dbeta.data());
        EXPECT_EQ(over_x, got.dx);
        EXPECT_EQ(over_dy, got.dx);
      });
    }
}

// With what ends a residual block, on rows that can be taken several as one and rows that cannot.
template <class T>
struct TailResults {
  std::vector<T> y, dx, dskip, dgamma, dbeta;
};
template <class T>
TailResults<T> with_tail(const Matrix& size, const Case<T>& s, bool relu,
                         const std::vector<float>& x32, const std::vector<float>& skip32,
                         const std::vector<float>& dy32) {
  const std::vector<T> x(x32.begin(), x32.end()), skip(skip32.begin(), skip32.end());
  std::vector<T> dy(dy32.begin(), dy32.end());
  const bool adds = !skip.empty();
  TailResults<T> r{unwritten<T>(x.size()), x, unwritten<T>(adds ? x.size() : 0),
                   unwritten<T>(size.columns), unwritten<T>(size.columns)};
  batch_norm_forward<T>(size.rows, size.columns, s.norm, x.data(), r.y.data(),
                        {relu, adds ? skip.data() : nullptr});
  TailGradient<T> tail{relu};
  if (adds) tail = {relu, r.y.data(), r.dskip.data()};
  batch_norm_backward<T>(size.rows, size.columns, s.norm, r.dx.data(), dy.data(), r.dx.data(),
                         r.dgamma.data(), r.dbeta.data(), tail);  // dx over x
  if (adds) {                                                     // dskip over dy
    std::vector<T> dx(x.size()), dgamma(size.columns), dbeta(size.columns);
    batch_norm_backward<T>(size.rows, size.columns, s.norm, x.data(), dy.data(), dx.data(),
                           dgamma.data(), dbeta.data(), {relu, r.y.data(), dy.data()});
    EXPECT_EQ(dy, r.dskip);
    EXPECT_EQ(dx, r.dx);
  }
  return r;
}

TEST(BatchNormKernels, TailsEqualFloat64) {
  for (const Matrix& size :
       {Matrix{1, 1}, {700, 33}, {64, 8}, {63, 8}, {4096, 3}, {32, 24}, {50, 128}})
    for (const bool affine : {false, true})
      for (const bool adds : {false, true}) {
        SCOPED_TRACE(
            fmt::format("{} x {}, affine {}, skip {}", size.rows, size.columns, affine, adds));
        const int64_t count = size.rows * size.columns;
        const Channels values(size.columns);
        const auto x = normal_values(count, 1, 2), dy = normal_values(count, 2);
        const auto skip = adds ? normal_values(count, 3) : std::vector<float>();
        const auto exact = with_tail(size, Case<double>(values, affine, true), true, x, skip, dy);
        on_every_isa([&] {
          const auto got = with_tail(size, Case<float>(values, affine, true), true, x, skip, dy);
          expect_close(got.y, exact.y, 1e-5);
          expect_close(got.dskip, exact.dskip, 1e-5);
          expect_close(got.dgamma, exact.dgamma, 1e-5);
          expect_close(got.dbeta, exact.dbeta, 1e-5);
          expect_close(got.dx, exact.dx, 1e-5);
        });
      }
}

// The gradients of the whole, statistics and all, by differences.
TEST(BatchNormKernels, Float64GradientIsTheDifferenceQuotient) {
  const int64_t rows = 7, channels = 2;
  std::vector<double> x = as_double(normal_values(rows * channels, 1));
  const std::vector<double> weight = as_double(normal_values(rows * channels, 2));
  const double gamma[] = {1.5, -0.5}, beta[] = {0.1, 0.2};
  std::vector<double> mean(channels), inv_std(channels), y(x.size());
  const auto loss = [&] {
    channel_statistics(rows, channels, x.data(), mean.data(), inv_std.data());
    for (double& v : inv_std) v = 1 / std::sqrt(v + 1e-5);
    batch_norm_forward(rows, channels, {mean.data(), inv_std.data(), gamma, beta}, x.data(),
                       y.data());
    return dot(weight, y);
  };
  loss();
  std::vector<double> dx(x.size()), dgamma(channels), dbeta(channels);
  batch_norm_backward(rows, channels, {mean.data(), inv_std.data(), gamma, beta}, x.data(),
                      weight.data(), dx.data(), dgamma.data(), dbeta.data());
  for (size_t i = 0; i < x.size(); ++i) {
    const double at = x[i], h = 1e-5;
    x[i] = at + h;
    const double above = loss();
    x[i] = at - h;
    const double below = loss();
    x[i] = at;
    EXPECT_NEAR(dx[i], (above - below) / (2 * h), 1e-7);
  }
}

TEST(BatchNormKernels, FusedEqualsFloat64) {
  for (const WindowGeometry& g : kGeometries)
    for (const bool affine : {false, true})
      for (const bool batch_statistics : {false, true}) {
        ASSERT_TRUE(fits_bn_relu_pool(g));
        SCOPED_TRACE(fmt::format("{}x{}x{}x{} by {}x{}, affine {}, batch statistics {}", g.batch,
                                 g.in_h, g.in_w, g.in_c, g.kernel.h, g.kernel.w, affine,
                                 batch_statistics));
        const Channels values(g.in_c);
        // Few different values, so that there are equal maxima.
        std::vector<float> x = normal_values(inputs(g), 1);
        for (float& v : x) v = std::round(2 * v);
        const std::vector<float> dy = normal_values(outputs(g), 2);
        const auto exact = fused(g, Case<double>(values, affine, batch_statistics), x, dy);
        on_every_isa([&] {
          const auto got = fused(g, Case<float>(values, affine, batch_statistics), x, dy);
          // Where gamma is about 0, rounding may make another of nearly equal values win.
          for (size_t i = 0; i < got.winner.size(); ++i)
            if (!affine || std::abs(values.gamma[i % g.in_c]) > 1e-3) {
              ASSERT_EQ(got.winner[i], exact.winner[i]) << i;
            }
          expect_close(got.y, exact.y, 1e-5);
          expect_close(got.dbeta, exact.dbeta, 1e-5);
          for (int64_t c = 0; c < g.in_c; ++c) {
            if (affine && std::abs(values.gamma[c]) <= 1e-3) continue;
            ASSERT_NEAR(got.dgamma[c], exact.dgamma[c], 1e-5 * (10 + std::abs(exact.dgamma[c])));
          }
          expect_close(got.dx, exact.dx, 1e-5);
        });
      }
}

// gamma is too small to divide by: its gradient comes from x, and is as exact as ever.
TEST(BatchNormKernels, FusedGradientOfATinyGamma) {
  const WindowGeometry g = windows(4, 16, 16, 3, 1);
  const float mean[] = {0, 0, 0}, inv_std[] = {1, 1, 1}, beta[] = {1, 5, 0.5f};
  const std::vector<float> x = normal_values(inputs(g), 1), dy = normal_values(outputs(g), 2);
  const float gamma[] = {1e-8f, 0, 1};
  const std::vector<double> zero64(3, 0), one64(3, 1), gamma64(gamma, gamma + 3),
      beta64(beta, beta + 3);
  std::vector<double> y64(dy.size()), dgamma64(3), dbeta64(3);
  std::vector<uint8_t> winner(dy.size());
  const Normalization<double> norm64{zero64.data(), one64.data(), gamma64.data(), beta64.data()};
  bn_relu_pool_forward<double>(g, norm64, as_double(x).data(), y64.data(), winner.data());
  bn_relu_pool_backward<double>(g, norm64, as_double(x).data(), y64.data(), winner.data(),
                                as_double(dy).data(), nullptr, dgamma64.data(), dbeta64.data());
  on_every_isa([&] {
    const Normalization<float> norm{mean, inv_std, gamma, beta};
    std::vector<float> y(dy.size()), dgamma = unwritten<float>(3), dbeta = dgamma;
    bn_relu_pool_forward<float>(g, norm, x.data(), y.data(), winner.data());
    bn_relu_pool_backward<float>(g, norm, x.data(), y.data(), winner.data(), dy.data(), nullptr,
                                 dgamma.data(), dbeta.data());
    expect_close(dgamma, dgamma64, 1e-5);
    expect_close(dbeta, dbeta64, 1e-5);
  });
}

TEST(BatchNormKernels, FusedPropagatesNan) {
  const WindowGeometry g = windows(1, 4, 4, 20, 2);
  const Channels values(20);
  std::vector<float> x = normal_values(inputs(g), 1), y(outputs(g));
  x[5 * 20 + 7] = std::numeric_limits<float>::quiet_NaN();
  std::vector<uint8_t> winner(y.size());
  on_every_isa([&] {
    bn_relu_pool_forward<float>(g, Case<float>(values, true, true).norm, x.data(), y.data(),
                                winner.data());
    EXPECT_TRUE(std::isnan(y[7]));
    EXPECT_EQ(winner[7], 3);
    EXPECT_FALSE(std::isnan(y[6]));
  });
}

TEST(BatchNormKernels, DoNotDependOnTheThreads) {
  const WindowGeometry g = windows(4, 64, 64, 24, 2);
  const Channels values(g.in_c);
  const std::vector<float> x = normal_values(inputs(g), 1), dy = normal_values(outputs(g), 2);
  const int before = num_threads();
  std::vector<Results<float>> results;
  std::vector<std::vector<float>> variances;
  for (const int threads : {1, 2, 5}) {
    set_num_threads(threads);
    results.push_back(fused(g, Case<float>(values, true, true), x, dy));
    std::vector<float> mean(g.in_c), variance(g.in_c);
    channel_statistics<float>(g.batch * g.in_h * g.in_w, g.in_c, x.data(), mean.data(),
                              variance.data());
    variances.push_back(variance);
  }
  set_num_threads(before);
  for (size_t i = 1; i < results.size(); ++i) {
    EXPECT_EQ(results[i].dx, results[0].dx);
    EXPECT_EQ(results[i].dgamma, results[0].dgamma);
    EXPECT_EQ(variances[i], variances[0]);
  }
}

}  // namespace
}  // namespace tuco::cpu
