#include "tuco/devices/cpu/conv2d_kernels.h"

#include "tuco/tests/devices/kernel_test.h"

namespace tuco::cpu {
namespace {

struct Layer {
  explicit Layer(WindowGeometry geometry) : g(geometry) {
    const auto out = [](int64_t in, int64_t pad, int64_t kernel, int64_t stride, int64_t dilation) {
      const int64_t span = in + pad - (kernel - 1) * dilation - 1;
      return span < 0 ? 0 : span / stride + 1;
    };
    g.out_h = out(g.in_h, g.padding.top + g.padding.bottom, g.kernel.h, g.stride.h, g.dilation.h);
    g.out_w = out(g.in_w, g.padding.left + g.padding.right, g.kernel.w, g.stride.w, g.dilation.w);
    x = normal_values(g.batch * g.in_h * g.in_w * g.in_c, 1);
    w = normal_values(g.out_c * g.kernel.h * g.kernel.w * g.in_c / g.groups, 2);
    bias = normal_values(g.out_c, 3);
    dy = normal_values(g.batch * g.out_h * g.out_w * g.out_c, 4);
    addend = normal_values(static_cast<int64_t>(dy.size()), 5);
  }
  std::string text() const {
    return fmt::format(
        "{}x{}x{}x{} -> {}x{}x{}, kernel {}x{}, stride {}x{}, dilation {}x{}, "
        "padding {} {} {} {}, groups {}",
        g.batch, g.in_h, g.in_w, g.in_c, g.out_h, g.out_w, g.out_c, g.kernel.h, g.kernel.w,
        g.stride.h, g.stride.w, g.dilation.h, g.dilation.w, g.padding.top, g.padding.bottom,
        g.padding.left, g.padding.right, g.groups);
  }
  WindowGeometry g;
  std::vector<float> x, w, bias, dy, addend;
};

template <class T>
struct Results {
  std::vector<T> y, fused, unbiased, dx, dw;
};

template <class T>
Results<T> run(const Layer& l) {
  const std::vector<T> x(l.x.begin(), l.x.end()), w(l.w.begin(), l.w.end()),
      bias(l.bias.begin(), l.bias.end()), dy(l.dy.begin(), l.dy.end()),
      addend(l.addend.begin(), l.addend.end());
  Results<T> r{unwritten<T>(dy.size()), unwritten<T>(dy.size()), unwritten<T>(dy.size()),
               unwritten<T>(x.size()), unwritten<T>(w.size())};
  conv2d_forward<T>(l.g, x.data(), w.data(), {.bias = bias.data()}, r.y.data());
  const double size = std::sqrt(double(l.w.size() + 1) / (l.g.out_c + 1));  // of the sums, about
  conv2d_forward<T>(l.g, x.data(), w.data(), {bias.data(), addend.data(), T(-size / 2), T(size)},
                    r.fused.data());
  conv2d_forward<T>(l.g, x.data(), w.data(), {}, r.unbiased.data());
  conv2d_grad_input<T>(l.g, dy.data(), w.data(), r.dx.data());
  conv2d_grad_weight<T>(l.g, x.data(), dy.data(), r.dw.data());
  return r;
}

void check_float32(const Layer& l) {
  SCOPED_TRACE(l.text());
  const Results<double> exact = run<double>(l);
  on_every_isa([&] {
    const Results<float> got = run<float>(l);
    expect_close(got.y, exact.y, 1e-5);
    expect_close(got.fused, exact.fused, 1e-5);
    expect_close(got.unbiased, exact.unbiased, 1e-5);
    expect_close(got.dx, exact.dx, 1e-5);
    expect_close(got.dw, exact.dw, 2e-5);
  });
}

WindowGeometry geometry(int64_t batch, int64_t h, int64_t w, int64_t in, int64_t out, Hw kernel,
                        Padding padding, Hw stride = 1, Hw dilation = 1, int64_t groups = 1) {
  return {batch, h, w, in, 0, 0, out, kernel, stride, dilation, padding, groups};
}

/// Random integers, both bounds included.
struct Between {
  Rng& rng;
  int64_t operator()(int64_t low, int64_t high) const {
    return low + rng.below(static_cast<uint32_t>(high - low + 1));
  }
};

WindowGeometry random_geometry(Rng& rng) {
  const Between range{rng};
  WindowGeometry g;
  g.batch = range(1, 3);
  g.in_h = range(1, 12);
  g.in_w = range(1, 20);
  g.kernel = {range(1, 4), range(1, 4)};
  g.stride = {range(1, 3), range(1, 3)};
  g.dilation = {range(1, 2), range(1, 2)};
  g.padding = {range(0, 3), range(0, 3), range(0, 3), range(0, 3)};
  g.groups = rng.chance(.3f) ? range(2, 4) : 1;
  const bool depthwise = g.groups > 1 && rng.chance(.5f);
  if (depthwise) g.groups = range(2, 40);
  g.in_c = g.groups * (depthwise ? 1 : range(1, 20));
  g.out_c = g.groups * (depthwise ? range(1, 2) : range(1, 40));
  return g;
}

// The definition itself, on numbers that can be checked by hand.
TEST(Conv2dKernels, Float64OnKnownNumbers) {
  WindowGeometry g{1, 2, 3, 1, 2, 2, 1, Hw(1, 2), 1, 1, 0, 1};
  const double x[] = {1, 2, 3, 4, 5, 6}, w[] = {10, 1}, bias[] = {0.5};
  double y[4], dx[6], dw[2];
  conv2d_forward<double>(g, x, w, {.bias = bias}, y);
  EXPECT_EQ(std::vector<double>(y, y + 4), (std::vector<double>{12.5, 23.5, 45.5, 56.5}));
  const double dy[] = {1, 0, 0, 2};
  conv2d_grad_input<double>(g, dy, w, dx);
  EXPECT_EQ(std::vector<double>(dx, dx + 6), (std::vector<double>{10, 1, 0, 0, 20, 2}));
  conv2d_grad_weight<double>(g, x, dy, dw);
  EXPECT_EQ(std::vector<double>(dw, dw + 2), (std::vector<double>{11, 14}));
}

TEST(Conv2dKernels, Float64GradientsAreAdjoint) {
  Rng rng(7);
  for (int i = 0; i < 60; ++i) {
    const Layer l(random_geometry(rng));
    SCOPED_TRACE(l.text());
    const Results<double> r = run<double>(l);
    const double forward = dot(as_double(l.dy), r.unbiased);
    EXPECT_NEAR(forward, dot(as_double(l.x), r.dx), 1e-9 * (1 + std::abs(forward)));
    EXPECT_NEAR(forward, dot(as_double(l.w), r.dw), 1e-9 * (1 + std::abs(forward)));
  }
}

TEST(Conv2dKernels, Float32EqualsFloat64AtRandom) {
  Rng rng(8);
  for (int i = 0; i < 80; ++i) check_float32(Layer(random_geometry(rng)));
}

// Regions cut by the edges, tiles along rows and columns, vectors of several pixels or of some
// channels, and images of a few pixels, whose channels are what a tile goes over.
TEST(Conv2dKernels, DepthwiseFloat32EqualsFloat64AtRandom) {
  Rng rng(9);
  const Between range{rng};
  for (int i = 0; i < 120; ++i) {
    WindowGeometry g;
    g.batch = range(1, 2);
    g.in_h = range(1, 30);
    g.in_w = range(1, 30);
    g.kernel = {range(1, 5), range(1, 5)};
    g.stride = {range(1, 3), range(1, 3)};
    g.dilation = {range(1, 2), range(1, 2)};
    g.padding = {range(-1, 4), range(-1, 4), range(-1, 4), range(-1, 4)};
    constexpr int64_t kChannels[] = {2, 4, 8, 16, 24, 32, 64, 208};
    g.groups = g.in_c = rng.chance(.5f) ? kChannels[rng.below(8)] : range(2, 80);
    g.out_c = g.in_c * (rng.chance(.8f) ? 1 : 2);
    check_float32(Layer(g));
  }
}

TEST(Conv2dKernels, Float32EqualsFloat64OnEachPath) {
  const WindowGeometry all[] = {
      geometry(2, 17, 33, 3, 32, 3, 1),                     // a first layer
      geometry(1, 40, 40, 16, 48, 3, 1),                    // several strips
      geometry(2, 16, 16, 40, 33, 3, 1, 2),                 // stride 2
      geometry(5, 4, 4, 40, 70, 3, 1),                      // gathered
      geometry(3, 2, 2, 24, 64, 3, 1, 2),                   // one output pixel
      geometry(2, 9, 9, 20, 30, 1, 0),                      // a product
      geometry(2, 9, 9, 20, 30, 1, 0, 2),                   // a strided one
      geometry(2, 9, 9, 20, 30, 1, {1, 0, 2, 0}),           // a padded one
      geometry(2, 6, 7, 8, 20, Hw(6, 7), 0),                // the whole image
      geometry(2, 16, 16, 6, 8, 3, 2, 1, 2),                // dilated
      geometry(2, 16, 16, 32, 32, 3, 1, 1, 1, 4),           // groups that fill no vector
      geometry(1, 13, 24, 64, 64, 3, 1, 1, 1, 64),          // depthwise
      geometry(2, 11, 24, 8, 8, 3, 1, 1, 1, 8),             // pixels that share a vector
      geometry(2, 11, 23, 8, 8, 3, 1, 1, 1, 8),             // that do not fit
      geometry(2, 9, 12, 4, 4, 5, 2, 1, 2, 4),              // dilated
      geometry(2, 13, 24, 20, 20, 3, 1, 2, 1, 20),          // with a rest of channels
      geometry(2, 7, 7, 6, 18, 5, 2, 1, 1, 6),              // with a multiplier
      geometry(2, 8, 8, 3, 5, Hw(10, 4), {4, 5, 1, 2}, 2),  // a kernel larger than the image
      geometry(2, 9, 9, 4, 6, 3, {-1, -2, 0, -1}),          // negative padding crops
      geometry(2, 3, 3, 4, 6, 3, 3, 5),                     // windows wholly in the padding
  };
  for (const WindowGeometry& g : all) check_float32(Layer(g));
}

TEST(Conv2dKernels, EmptyBatchesAndImages) {
  check_float32(Layer(geometry(0, 5, 5, 3, 4, 3, 1)));
  check_float32(Layer(geometry(0, 5, 5, 4, 4, 3, 1, 1, 1, 4)));
  check_float32(Layer(geometry(2, 2, 5, 3, 4, Hw(3, 1), 0)));  // no output rows
}

TEST(Conv2dKernels, AreDeterministic) {
  for (const WindowGeometry& g :
       {geometry(4, 20, 20, 24, 40, 3, 1), geometry(6, 4, 4, 40, 64, 3, 1),
        geometry(4, 9, 9, 32, 32, 3, 1, 1, 1, 32)}) {
    const Layer l(g);
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
