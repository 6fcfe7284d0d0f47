// Convolution and linear layers on int8.
#include "tuco/core/error.h"
#include "tuco/core/parallel.h"
#include "tuco/deploy/runtime/requantize.h"
#include "tuco/devices/cpu/kernels.h"

namespace tuco::cpu {
namespace {

struct Requantizer {
  const int32_t* multipliers;
  op::Requantize out;
  int8_t operator()(int32_t sum, int64_t channel) const {
    const int32_t scaled =
        tuco_scaled(sum, multipliers[2 * channel], multipliers[2 * channel + 1],
                    static_cast<int32_t>(out.rounding));
    return static_cast<int8_t>(tuco_clamped(scaled + out.zero_point, out.low, out.high));
  }
};

void convolve(const WindowGeometry& g, int32_t zero_point, const int8_t* x, const int8_t* w,
              const int32_t* bias, const Requantizer& requantize, int8_t* y) {
  const int64_t depth = g.in_c / g.groups, channels = g.out_c / g.groups;
  parallel_for(0, g.batch * g.out_h, 1, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row)
      for (int64_t ox = 0; ox < g.out_w; ++ox)
        for (int64_t o = 0; o < g.out_c; ++o) {
          int32_t sum = bias[o];
          for (int64_t ky = 0; ky < g.kernel.h; ++ky)
            for (int64_t kx = 0; kx < g.kernel.w; ++kx) {
              const int64_t iy = row % g.out_h * g.stride.h + ky * g.dilation.h - g.padding.top;
              const int64_t ix = ox * g.stride.w + kx * g.dilation.w - g.padding.left;
              if (iy < 0 || iy >= g.in_h || ix < 0 || ix >= g.in_w) continue;
              const int8_t* from =
                  x + ((row / g.out_h * g.in_h + iy) * g.in_w + ix) * g.in_c + o / channels * depth;
              const int8_t* weight = w + ((o * g.kernel.h + ky) * g.kernel.w + kx) * depth;
              for (int64_t c = 0; c < depth; ++c) sum += (from[c] - zero_point) * weight[c];
            }
          y[(row * g.out_w + ox) * g.out_c + o] = requantize(sum, o);
        }
  });
}

template <class Op>
void convolve(const Op& op, const WindowGeometry& g, Inputs in, Out out) {
  const int32_t* multipliers = ptr<int32_t>(in[3]);
  convolve(g, op.in_zero_point, ptr<int8_t>(in[0]), ptr<int8_t>(in[1]), ptr<int32_t>(in[2]),
           {multipliers, op.out}, ptr<int8_t>(out[0]));
}

}  // namespace

void run(const op::QConv2d& op, Inputs in, Out out, Workspace&) {
  convolve(op, geometry(op.conv, in[0].shape(), in[1].shape()), in, out);
}

void run(const op::QLinear& op, Inputs in, Out out, Workspace&) {
  const int64_t depth = in[1].dim(1), columns = in[1].dim(0);
  WindowGeometry g;
  g.batch = g.in_h = g.out_h = 1;
  g.in_w = g.out_w = columns ? out[0].numel() / columns : 0;
  g.in_c = depth;
  g.out_c = columns;
  convolve(op, g, in, out);
}

std::unique_ptr<Prepared> prepare(const op::QConv2d&, Inputs) { return nullptr; }
std::unique_ptr<Prepared> prepare(const op::QLinear&, Inputs) { return nullptr; }

}  // namespace tuco::cpu
