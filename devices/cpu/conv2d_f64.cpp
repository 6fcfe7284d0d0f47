// Convolution in float64: the definition, loop by loop. Clear rather than fast, since the float32
// paths and all gradients are checked against it.
#include "tuco/core/parallel.h"
#include "tuco/devices/cpu/conv2d_kernels.h"

namespace tuco::cpu {
namespace {

// Calls visit(input pixel, kernel cell) for the cells of the window at output (i, j) that lie
// inside the image.
template <class Visit>
void for_each_tap(const WindowGeometry& g, int64_t n, int64_t i, int64_t j, Visit&& visit) {
  for (int64_t a = 0; a < g.kernel.h; ++a)
    for (int64_t b = 0; b < g.kernel.w; ++b) {
      const int64_t h = i * g.stride.h + a * g.dilation.h - g.padding.top;
      const int64_t w = j * g.stride.w + b * g.dilation.w - g.padding.left;
      if (h >= 0 && h < g.in_h && w >= 0 && w < g.in_w)
        visit((n * g.in_h + h) * g.in_w + w, a * g.kernel.w + b);
    }
}

struct Channels {
  explicit Channels(const WindowGeometry& g)
      : in(g.in_c / g.groups), out(g.out_c / g.groups), cells(g.kernel.h * g.kernel.w) {}
  // Where the weights of output channel o at a kernel cell start.
  int64_t weight(int64_t o, int64_t cell) const { return (o * cells + cell) * in; }
  int64_t first_input(int64_t o) const { return o / out * in; }
  int64_t in, out, cells;  // channels of a group, cells of the kernel
};

}  // namespace

template <>
void conv2d_forward<double>(const WindowGeometry& g, const double* x, const double* w,
                            const Epilogue<double>& epilogue, double* y, const PackedForms*) {
  const Channels c(g);
  parallel_for(0, g.batch * g.out_h, 1, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row)
      for (int64_t j = 0; j < g.out_w; ++j) {
        double* out = y + (row * g.out_w + j) * g.out_c;
        std::fill_n(out, g.out_c, 0.0);
        for_each_tap(g, row / g.out_h, row % g.out_h, j, [&](int64_t pixel, int64_t cell) {
          for (int64_t o = 0; o < g.out_c; ++o) {
            const double *in = x + pixel * g.in_c + c.first_input(o), *k = w + c.weight(o, cell);
            for (int64_t i = 0; i < c.in; ++i) out[o] += in[i] * k[i];
          }
        });
        epilogue.at(out - y, 0).finish_rows(out, 1, g.out_c, g.out_c);
      }
  });
}

template <>
void conv2d_grad_input<double>(const WindowGeometry& g, const double* dy, const double* w,
                               double* dx) {
  const Channels c(g);
  parallel_for(0, g.batch, 1, [&](int64_t begin, int64_t end) {
    const int64_t image = g.in_h * g.in_w * g.in_c;
    std::fill(dx + begin * image, dx + end * image, 0.0);
    for (int64_t n = begin; n < end; ++n)
      for (int64_t i = 0; i < g.out_h; ++i)
        for (int64_t j = 0; j < g.out_w; ++j) {
          const double* out = dy + ((n * g.out_h + i) * g.out_w + j) * g.out_c;
          for_each_tap(g, n, i, j, [&](int64_t pixel, int64_t cell) {
            for (int64_t o = 0; o < g.out_c; ++o) {
              double* in = dx + pixel * g.in_c + c.first_input(o);
              const double* k = w + c.weight(o, cell);
              for (int64_t q = 0; q < c.in; ++q) in[q] += out[o] * k[q];
            }
          });
        }
  });
}

template <>
void conv2d_grad_weight<double>(const WindowGeometry& g, const double* x, const double* dy,
                                double* dw) {
  const Channels c(g);
  parallel_for(0, g.out_c, 1, [&](int64_t begin, int64_t end) {
    std::fill(dw + c.weight(begin, 0), dw + c.weight(end, 0), 0.0);
    for (int64_t n = 0; n < g.batch; ++n)
      for (int64_t i = 0; i < g.out_h; ++i)
        for (int64_t j = 0; j < g.out_w; ++j) {
          const double* out = dy + ((n * g.out_h + i) * g.out_w + j) * g.out_c;
          for_each_tap(g, n, i, j, [&](int64_t pixel, int64_t cell) {
            for (int64_t o = begin; o < end; ++o) {
              const double* in = x + pixel * g.in_c + c.first_input(o);
              double* k = dw + c.weight(o, cell);
              for (int64_t q = 0; q < c.in; ++q) k[q] += out[o] * in[q];
            }
          });
        }
  });
}

}  // namespace tuco::cpu
