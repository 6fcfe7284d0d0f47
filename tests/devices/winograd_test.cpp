// Winograd's convolutions against float64, at random sizes: images smaller than a tile, edges that
// cut tiles, channels that fill no vector. The tolerances are the errors that docs/kernels.md
// states.
#include "tuco/devices/cpu/algorithms.h"
#include "tuco/devices/cpu/conv2d_kernels.h"
#include "tuco/tests/devices/kernel_test.h"

namespace tuco::cpu {
namespace {

struct Forced {
  explicit Forced(Algorithm algorithm) { force_algorithm(algorithm); }
  ~Forced() { force_algorithm(std::nullopt); }
};

struct Layer {
  explicit Layer(const WindowGeometry& geometry) : g(geometry) {
    g.kernel = 3;
    g.stride = g.dilation = 1;
    g.out_h = g.in_h + g.padding.top + g.padding.bottom - 2;
    g.out_w = g.in_w + g.padding.left + g.padding.right - 2;
    x = normal_values(g.batch * g.in_h * g.in_w * g.in_c, 1);
    w = normal_values(g.out_c * 9 * g.in_c, 2);
    bias = normal_values(g.out_c, 3);
    dy = normal_values(g.batch * g.out_h * g.out_w * g.out_c, 4);
    addend = normal_values(static_cast<int64_t>(dy.size()), 5);
  }
  std::string text() const {
    return fmt::format("{}x{}x{}x{} -> {}x{}x{}, padding {} {} {} {}", g.batch, g.in_h, g.in_w,
                       g.in_c, g.out_h, g.out_w, g.out_c, g.padding.top, g.padding.bottom,
                       g.padding.left, g.padding.right);
  }
  WindowGeometry g;
  std::vector<float> x, w, bias, dy, addend;
};

template <class T>
struct Results {
  std::vector<T> y, fused, dx, dw;
};

template <class T>
Results<T> run(const Layer& l) {
  const auto as = [](const std::vector<float>& v) { return std::vector<T>(v.begin(), v.end()); };
  const auto x = as(l.x), w = as(l.w), bias = as(l.bias), dy = as(l.dy), addend = as(l.addend);
  Results<T> r{unwritten<T>(dy.size()), unwritten<T>(dy.size()), unwritten<T>(x.size()),
               unwritten<T>(w.size())};
  const double size = std::sqrt(9.0 * l.g.in_c);  // of the sums, about
  conv2d_forward<T>(l.g, x.data(), w.data(), {}, r.y.data());
  conv2d_forward<T>(l.g, x.data(), w.data(), {bias.data(), addend.data(), T(-size), T(2 * size)},
                    r.fused.data());
  conv2d_grad_input<T>(l.g, dy.data(), w.data(), r.dx.data());
  conv2d_grad_weight<T>(l.g, x.data(), dy.data(), r.dw.data());
  return r;
}

void check(const Layer& l) {
  SCOPED_TRACE(l.text());
  const Results<double> exact = run<double>(l);
  for (const auto& [algorithm, tolerance] :
       {std::pair{Algorithm::winograd2, 1e-5}, {Algorithm::winograd4, 2e-5}}) {
    SCOPED_TRACE(algorithm_name(algorithm));
    ASSERT_TRUE(is_able(algorithm, l.g));
    const Forced forced(algorithm);
    on_every_isa([&, tolerance = tolerance] {
      const Results<float> got = run<float>(l);
      expect_close(got.y, exact.y, tolerance);
      expect_close(got.fused, exact.fused, tolerance);
      expect_close(got.dx, exact.dx, tolerance);
      expect_close(got.dw, exact.dw, tolerance);
    });
  }
}

WindowGeometry geometry(int64_t batch, int64_t h, int64_t w, int64_t in, int64_t out,
                        Padding padding = 1) {
  WindowGeometry g;
  g.batch = batch, g.in_h = h, g.in_w = w, g.in_c = in, g.out_c = out, g.padding = padding;
  return g;
}

TEST(Winograd, EqualsFloat64AtRandom) {
  Rng rng(9);
  const auto range = [&](int64_t low, int64_t high) {
    return low + rng.below(static_cast<uint32_t>(high - low + 1));
  };
  for (int i = 0; i < 40; ++i) {
    const Padding padding{range(0, 3), range(0, 3), range(0, 3), range(0, 3)};
    check(Layer(
        geometry(range(1, 3), range(3, 13), range(3, 17), range(1, 40), range(1, 70), padding)));
  }
}

TEST(Winograd, EqualsFloat64OnEachPath) {
  for (const WindowGeometry& g :
       {geometry(1, 1, 1, 16, 16),                   // one pixel
        geometry(2, 4, 4, 130, 150),                 // few tiles: threads share the panels
        geometry(3, 32, 30, 16, 20),                 // sums of a thread's own
        geometry(6, 29, 32, 80, 100),                // sums that threads share, several chunks
        geometry(2, 9, 9, 20, 30, {-1, 0, 2, -1})})  // negative padding crops
    check(Layer(g));
}

TEST(Winograd, OnlyTakesItsShapes) {
  WindowGeometry g = Layer(geometry(1, 8, 8, 16, 16)).g;
  EXPECT_TRUE(is_able(Algorithm::winograd4, g));
  for (const auto change :
       {+[](WindowGeometry& h) { h.stride = 2; },
        +[](WindowGeometry& h) {
          h.kernel = {3, 1};
        },
        +[](WindowGeometry& h) { h.dilation = 2; }, +[](WindowGeometry& h) { h.groups = 2; }}) {
    WindowGeometry other = g;
    change(other);
    EXPECT_FALSE(is_able(Algorithm::winograd4, other));
    EXPECT_FALSE(is_able(Algorithm::winograd2, other));
    EXPECT_TRUE(is_able(Algorithm::direct, other));
    EXPECT_EQ(choose_algorithm(Pass::forward, other), Algorithm::direct);
  }
}

// The errors that docs/kernels.md tells, relative to the root mean square, on normal numbers; with
// two threads, since weight gradients are sums of as many parts.
TEST(Winograd, ErrorsAreSmall) {
  const int threads = num_threads();
  set_num_threads(2);
  const Layer l(geometry(2, 32, 32, 64, 128));
  const Results<double> exact = run<double>(l);
  struct Bound {
    Algorithm algorithm;
    double largest, mean;
  };
  for (const auto& [algorithm, largest, mean] :
       {Bound{Algorithm::direct, 6e-6, 6e-7}, Bound{Algorithm::winograd2, 6e-6, 6e-7},
        Bound{Algorithm::winograd4, 1.5e-5, 1.5e-6}}) {
    const Forced forced(algorithm);
    const Results<float> got = run<float>(l);
    for (const auto& [what, a, b] : {std::tuple{"y", &got.y, &exact.y},
                                     {"dx", &got.dx, &exact.dx},
                                     {"dw", &got.dw, &exact.dw}}) {
      double square = 0, sum = 0, most = 0;
      for (size_t i = 0; i < a->size(); ++i) {
        const double error = std::abs((*a)[i] - (*b)[i]);
        square += (*b)[i] * (*b)[i];
        sum += error;
        most = std::max(most, error);
      }
      const auto count = static_cast<double>(a->size());
      const double rms = std::sqrt(square / count);
      fmt::print("{:<10} {:<3} largest {:.1e}, mean {:.1e}\n", algorithm_name(algorithm), what,
                 most / rms, sum / count / rms);
      EXPECT_LT(most / rms, largest) << what;
      EXPECT_LT(sum / count / rms, mean) << what;
    }
  }
  set_num_threads(threads);
}

TEST(Winograd, TheTableIsWhole) {
  for (int pass = 0; pass < kPasses; ++pass)
    for (int b = 0; b < 2; ++b)
      for (int c = 0; c < 6; ++c)
        for (int s = 0; s < 6; ++s) {
          const ShapeClass shape{b, c, s};
          WindowGeometry g =
              geometry(ShapeClass::kBatches[b], ShapeClass::kSides[s], ShapeClass::kSides[s],
                       ShapeClass::kChannels[c], ShapeClass::kChannels[c]);
          g.kernel = 3;
          g.out_h = g.in_h, g.out_w = g.in_w;
          EXPECT_EQ(shape_class(g).batch, b);
          EXPECT_EQ(shape_class(g).channels, c);
          EXPECT_EQ(shape_class(g).side, s);
          EXPECT_EQ(choose_algorithm(static_cast<Pass>(pass), g),
                    table_entry(static_cast<Pass>(pass), shape));
          g.in_c = 3;
          EXPECT_EQ(choose_algorithm(static_cast<Pass>(pass), g), Algorithm::direct);
        }
}

TEST(Winograd, IsDeterministic) {
  const Layer l(geometry(5, 21, 20, 48, 40));
  for (const Algorithm algorithm : {Algorithm::winograd2, Algorithm::winograd4}) {
    const Forced forced(algorithm);
    on_every_isa([&] {
      const Results<float> a = run<float>(l), b = run<float>(l);
      EXPECT_EQ(a.y, b.y);
      EXPECT_EQ(a.dx, b.dx);
      EXPECT_EQ(a.dw, b.dw);
    });
  }
}

}  // namespace
}  // namespace tuco::cpu
