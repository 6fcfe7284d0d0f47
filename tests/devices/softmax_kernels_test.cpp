#include "tuco/devices/cpu/softmax_kernels.h"

#include "tuco/tests/devices/kernel_test.h"

namespace tuco::cpu {
namespace {

template <class T>
struct Results {
  std::vector<T> soft, log, dsoft, dlog;
};

template <class T>
Results<T> run(int64_t rows, int64_t n, const std::vector<float>& x32,
               const std::vector<float>& dy32) {
  const std::vector<T> x(x32.begin(), x32.end()), dy(dy32.begin(), dy32.end());
  const auto none = unwritten<T>(x.size());
  Results<T> r{none, none, none, none};
  softmax_forward<T>(rows, n, x.data(), r.soft.data());
  log_softmax_forward<T>(rows, n, x.data(), r.log.data());
  softmax_backward<T>(rows, n, r.soft.data(), dy.data(), r.dsoft.data());
  log_softmax_backward<T>(rows, n, r.log.data(), dy.data(), r.dlog.data());
  return r;
}

TEST(SoftmaxKernels, Float64OnKnownNumbers) {
  const double x[] = {0, std::log(3.0), 1000, 1000};
  double y[4];
  softmax_forward<double>(2, 2, x, y);
  const double expected[] = {0.25, 0.75, 0.5, 0.5};
  for (int i = 0; i < 4; ++i) EXPECT_NEAR(y[i], expected[i], 1e-12);
  const double dy[] = {1, 0, 0, 2};
  double dx[4];
  softmax_backward<double>(2, 2, y, dy, dx);
  EXPECT_NEAR(dx[0], 0.1875, 1e-12);
  EXPECT_NEAR(dx[1], -0.1875, 1e-12);
  log_softmax_forward<double>(2, 2, x, y);
  log_softmax_backward<double>(2, 2, y, dy, dx);
  EXPECT_NEAR(dx[0], 0.75, 1e-12);
  EXPECT_NEAR(dx[3], 1, 1e-12);
}

TEST(SoftmaxKernels, Float32EqualsFloat64) {
  for (const Matrix& size :
       {Matrix{1, 1}, {0, 4}, {3, 0}, {40, 10}, {7, 16}, {3, 1000}, {500, 33}}) {
    const int64_t rows = size.rows, n = size.columns;
    SCOPED_TRACE(fmt::format("{} x {}", rows, n));
    std::vector<float> x = normal_values(rows * n, 1);
    for (float& v : x) v *= 20;
    const std::vector<float> dy = normal_values(rows * n, 2);
    const Results<double> exact = run<double>(rows, n, x, dy);
    on_every_isa([&] {
      const Results<float> got = run<float>(rows, n, x, dy);
      expect_close(got.soft, exact.soft, 1e-5);
      expect_close(got.log, exact.log, 1e-6);
      expect_close(got.dsoft, exact.dsoft, 1e-4);
      expect_close(got.dlog, exact.dlog, 1e-4);
      std::vector<float> in_place = x;
      softmax_forward<float>(rows, n, in_place.data(), in_place.data());
      EXPECT_EQ(in_place, got.soft);
    });
  }
}

TEST(SoftmaxKernels, InfinitiesAndNan) {
  const float inf = std::numeric_limits<float>::infinity(), nan = std::nanf("");
  on_every_isa([&] {
    for (const int64_t n : {3, 16, 20}) {
      std::vector<float> x(n, 1.0f), y(n);
      x[1] = -inf;
      softmax_forward<float>(1, n, x.data(), y.data());
      EXPECT_EQ(y[1], 0);
      EXPECT_NEAR(y[0], 1.0 / double(n - 1), 1e-6);
      log_softmax_forward<float>(1, n, x.data(), y.data());
      EXPECT_EQ(y[1], -inf);
      x[n - 1] = nan;
      for (const auto forward : {softmax_forward<float>, log_softmax_forward<float>}) {
        forward(1, n, x.data(), y.data());
        for (const float v : y) EXPECT_TRUE(std::isnan(v));
      }
      std::fill(x.begin(), x.end(), -inf);
      softmax_forward<float>(1, n, x.data(), y.data());
      for (const float v : y) EXPECT_TRUE(std::isnan(v));
    }
  });
}

}  // namespace
}  // namespace tuco::cpu
