// Batch normalisation, ReLU and max pooling as one, in float32.
#include <limits>

#include "tuco/devices/cpu/batch_norm_kernels.h"
#include "tuco/devices/cpu/channel_chunks.h"
#include "tuco/devices/cpu/highway_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tuco/devices/cpu/bn_relu_pool_f32.cpp"
#include <hwy/foreach_target.h>

#include "tuco/devices/cpu/batch_norm-inl.h"

#ifndef TUCO_DEVICES_CPU_BN_RELU_POOL_ONCE_
#define TUCO_DEVICES_CPU_BN_RELU_POOL_ONCE_
namespace tuco::cpu {

// dgamma is summed from the pooled output, (y - beta) / gamma, where that loses no more than two
// digits; below this |gamma| / |beta|, x itself is read.
constexpr float kLeastGamma = 1.0f / 64;

// Whether normalised values can be had back from outputs.
inline bool invertible(float gamma, float beta) {
  return std::abs(gamma) > 1e-20f && std::abs(gamma) >= kLeastGamma * std::abs(beta);
}

}  // namespace tuco::cpu
#endif

HWY_BEFORE_NAMESPACE();
namespace tuco::cpu::HWY_NAMESPACE {

// A row of windows of one image. KH x KW is the kernel, known at compile time when it is common;
// 0 x 0 reads it from the geometry.
template <int KH, int KW>
struct WindowRow {
  WindowRow(const WindowGeometry& geometry, int64_t row)
      : g(geometry),
        kh(KH ? KH : g.kernel.h),
        kw(KW ? KW : g.kernel.w),
        line(g.in_w * g.in_c),
        in((row / g.out_h * g.in_h + row % g.out_h * kh) * line),
        out(row * g.out_w * g.in_c) {}
  const WindowGeometry& g;
  int64_t kh, kw;
  int64_t line;     // values in a row of the image
  int64_t in, out;  // where the row starts, in x and y
};

// The maximum of a window's normalised values, one vector of channels, and its cell.
struct Winner {
  VecF best;
  VecI which;
};

// Any window: the first of equal maxima, and the first NaN where there is one.
Winner winner_of(const WindowRow<0, 0>& at, const float* window, int64_t count, VecF scale,
                 VecF shift) {
  Winner result{splat(-std::numeric_limits<float>::infinity()), splat_integer(0)};
  for (int64_t a = 0; a < at.kh; ++a)
    for (int64_t b = 0; b < at.kw; ++b) {
      const float* cell = window + a * at.line + b * at.g.in_c;
      const VecF value = hn::MulAdd(load_first(cell, count), scale, shift);
      const auto better = hn::Or(hn::Gt(value, result.best), hn::IsNaN(value));
      result.best = hn::IfThenElse(better, value, result.best);
      result.which = choose_integer(better, splat_integer(a * at.kw + b), result.which);
    }
  return result;
}

template <int KH, int KW>
void forward_row(const WindowGeometry& g, int64_t row, const Affine& affine, const float* x,
                 float* y, uint8_t* winner) {
  const WindowRow<KH, KW> at(g, row);
  const WindowRow<0, 0> any(g, row);
  // What is stored might be anything to the compiler, so all that the loop reads is copied.
  const int64_t channels = g.in_c, columns = g.out_w, line = at.line, kw = at.kw;
  const float *scales = affine.scale.data(), *shifts = affine.shift.data();
  const VecI none = splat_integer(kCutByRelu), cell0 = splat_integer(0), cell1 = splat_integer(1),
             cell2 = splat_integer(2), cell3 = splat_integer(3);
  for (int64_t j = 0; j < columns; ++j)
    for_each_vector(channels, [&](int64_t c, int64_t count) HWY_ATTR {
      const int64_t out = at.out + j * channels + c;
      const float* window = x + at.in + j * kw * channels + c;
      const VecF scale = load_first(scales + c, count), shift = load_first(shifts + c, count);
      Winner w;
      if constexpr (KH == 2 && KW == 2) {
        const float* below = window + line;
        const VecF v0 = hn::MulAdd(load_first(window, count), scale, shift);
        const VecF v1 = hn::MulAdd(load_first(window + channels, count), scale, shift);
        const VecF v2 = hn::MulAdd(load_first(below, count), scale, shift);
        const VecF v3 = hn::MulAdd(load_first(below + channels, count), scale, shift);
        // NaN if one of them is; seldom too, where infinities meet.
        const VecF sum = hn::Add(hn::Add(v0, v1), hn::Add(v2, v3));
        if (hn::AllFalse(F32(), hn::IsNaN(sum))) [[likely]] {
          // A match of two pairs.
          const auto second = hn::Gt(v1, v0), fourth = hn::Gt(v3, v2);
          const VecF first_row = hn::IfThenElse(second, v1, v0);
          const VecF second_row = hn::IfThenElse(fourth, v3, v2);
          const auto lower = hn::Gt(second_row, first_row);
          w = {hn::IfThenElse(lower, second_row, first_row),
               choose_integer(lower, choose_integer(fourth, cell3, cell2),
                              choose_integer(second, cell1, cell0))};
        } else {
          w = winner_of(any, window, count, scale, shift);
        }
      } else {
        w = winner_of(any, window, count, scale, shift);
      }
      const auto cut = hn::Le(w.best, zero());  // false for NaN, which passes through
      store_first(hn::IfThenZeroElse(cut, w.best), y + out, count);
      if (winner) store_bytes(choose_integer(cut, none, w.which), winner + out, count);
    });
}

// Sums of dy, and of dy times normalised x as got back from y, where ReLU let a value through.
struct PooledSums {
  const Normalization<float>& norm;
  const float *y, *dy;
  const uint8_t* winner;
  int64_t rows, channels;
  double *dbeta, *dgamma;

  template <int NV>
  void run(int64_t c, int64_t count) const {
    VecF offset[NV], beta[NV], gamma[NV];
    TUCO_UNROLL
    for (int k = 0; k < NV; ++k) {
      offset[k] = norm.beta ? load_first(norm.beta + c + k * kLanes, count - k * kLanes) : zero();
      beta[k] = gamma[k] = zero();
    }
    for (int64_t r = 0; r < rows; ++r) {
      const int64_t row = r * channels + c;
      TUCO_UNROLL
      for (int k = 0; k < NV; ++k) {
        const int64_t at = row + k * kLanes, rest = k == NV - 1 ? count - k * kLanes : kLanes;
        const auto cut = equal_integers(load_bytes(winner + at, rest), splat_integer(kCutByRelu));
        const VecF g = hn::IfThenZeroElse(cut, load_first(dy + at, rest));
        beta[k] = hn::Add(beta[k], g);
        gamma[k] = hn::MulAdd(g, hn::Sub(load_first(y + at, rest), offset[k]), gamma[k]);
      }
    }
    TUCO_UNROLL
    for (int k = 0; k < NV; ++k) {
      const int64_t rest = count - k * kLanes;
      VecF over = splat(1.0f);
      if (norm.gamma) over = hn::Div(over, load_first(norm.gamma + c + k * kLanes, rest, 1.0f));
      store_lanes(beta[k], dbeta + c + k * kLanes, rest);
      store_lanes(hn::Mul(gamma[k], over), dgamma + c + k * kLanes, rest);
    }
  }
};

// The sum of dy times normalised x over some windows for one channel, from x.
double exact_dgamma(const WindowGeometry& g, const Normalization<float>& norm, int64_t first,
                    int64_t windows, int64_t c, const float* x, const uint8_t* winner,
                    const float* dy) {
  double sum = 0;
  for (int64_t w = first; w < first + windows; ++w) {
    const uint8_t cell = winner[w * g.in_c + c];
    if (cell == kCutByRelu) continue;
    const WindowRow<0, 0> at(g, w / g.out_w);
    const int64_t pixel = w % g.out_w * at.kw + cell % at.kw;
    const double value = x[at.in + cell / at.kw * at.line + pixel * g.in_c + c];
    sum += dy[w * g.in_c + c] * (value - norm.mean[c]) * norm.inv_std[c];
  }
  return sum;
}

void pooled_gradients(const WindowGeometry& g, const Normalization<float>& norm, const float* x,
                      const float* y, const uint8_t* winner, const float* dy, float* dgamma,
                      float* dbeta) {
  std::vector<int64_t> exact;
  for (int64_t c = 0; norm.gamma && c < g.in_c; ++c)
    if (!invertible(norm.gamma[c], norm.beta ? norm.beta[c] : 0)) exact.push_back(c);
  const ChannelChunks chunks(g.batch * g.out_h * g.out_w, g.in_c);
  const ChunkSums partial(chunks, 2);
  chunks.for_each([&](int64_t chunk, int64_t first, int64_t count) {
    const int64_t at = first * g.in_c;
    for_each_channel_block(g.in_c, PooledSums{norm, y + at, dy + at, winner + at, count, g.in_c,
                                              partial.at(chunk, 0), partial.at(chunk, 1)});
    for (const int64_t c : exact)
      partial.at(chunk, 1)[c] = exact_dgamma(g, norm, first, count, c, x, winner, dy);
  });
  const std::vector<double> beta = partial.total(0), gamma = partial.total(1);
  std::copy(beta.begin(), beta.end(), dbeta);
  std::copy(gamma.begin(), gamma.end(), dgamma);
}

// dx = x * through.scale + through.shift for the pixels [begin, end) of a row.
void rest_of_row(const Affine& through, int64_t channels, const float* x, float* dx, int64_t begin,
                 int64_t end) {
  for (int64_t p = begin; p < end; ++p)
    for_each_vector(channels, [&](int64_t c, int64_t count) HWY_ATTR {
      const int64_t at = p * channels + c;
      store_first(hn::MulAdd(load_first(x + at, count), load_first(&through.scale[c], count),
                             load_first(&through.shift[c], count)),
                  dx + at, count);
    });
}

template <int KH, int KW>
void backward_row(const WindowGeometry& g, int64_t row, const Affine& through, const Affine& direct,
                  const float* x, const uint8_t* winner, const float* dy, float* dx) {
  const WindowRow<KH, KW> at(g, row);
  const int64_t channels = g.in_c, columns = g.out_w, line = at.line;
  const int64_t kh = KH ? KH : at.kh, kw = KW ? KW : at.kw;
  const float *scales = through.scale.data(), *shifts = through.shift.data(),
              *factors = direct.scale.data();
  for (int64_t j = 0; j < columns; ++j)
    for_each_vector(channels, [&](int64_t c, int64_t count) HWY_ATTR {
      const int64_t out = at.out + j * channels + c, window = at.in + j * kw * channels + c;
      const VecF scale = load_first(scales + c, count), shift = load_first(shifts + c, count);
      const VecF grad = hn::Mul(load_first(dy + out, count), load_first(factors + c, count));
      const VecI which = load_bytes(winner + out, count);
      for (int64_t a = 0; a < kh; ++a)
        for (int64_t b = 0; b < kw; ++b) {
          const int64_t in = window + a * line + b * channels;
          const auto here = equal_integers(which, splat_integer(a * kw + b));
          const VecF value = hn::MulAdd(load_first(x + in, count), scale, shift);
          store_first(hn::Add(value, hn::IfThenElseZero(here, grad)), dx + in, count);
        }
    });
  for (int64_t a = 0; a < at.kh; ++a)
    rest_of_row(through, g.in_c, x + at.in + a * at.line, dx + at.in + a * at.line, g.out_w * at.kw,
                g.in_w);
}

// Rows of images below the last row of windows.
void rows_below(const WindowGeometry& g, const Affine& through, const float* x, float* dx) {
  const int64_t line = g.in_w * g.in_c, used = g.out_h * g.kernel.h;
  if (used == g.in_h) return;
  parallel_for(0, g.batch, 1, [&](int64_t begin, int64_t end) {
    for (int64_t n = begin; n < end; ++n) {
      const int64_t at = (n * g.in_h + used) * line;
      rest_of_row(through, g.in_c, x + at, dx + at, 0, (g.in_h - used) * g.in_w);
    }
  });
}

template <class Row>
void for_each_window_row(const WindowGeometry& g, const Row& row) {
  const int64_t work = g.kernel.h * g.in_w * g.in_c;
  parallel_for(0, g.batch * g.out_h, 1 + (1 << 15) / (work + 1), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) row(i);
  });
}

void fused_forward(const WindowGeometry& g, const Normalization<float>& norm, const float* x,
                   float* y, uint8_t* winner) {
  const Affine affine(g.in_c, norm);
  const auto run = g.kernel == Hw(2) ? forward_row<2, 2> : forward_row<0, 0>;
  for_each_window_row(g, [&](int64_t row) { run(g, row, affine, x, y, winner); });
}

void fused_backward(const WindowGeometry& g, const Normalization<float>& norm, const float* x,
                    const float* y, const uint8_t* winner, const float* dy, float* dx,
                    float* dgamma, float* dbeta) {
  pooled_gradients(g, norm, x, y, winner, dy, dgamma, dbeta);
  if (!dx) return;
  const Affine through =
      statistics_gradient(g.batch * g.in_h * g.in_w, g.in_c, norm, dgamma, dbeta);
  const Affine direct(g.in_c, norm);
  const auto run = g.kernel == Hw(2) ? backward_row<2, 2> : backward_row<0, 0>;
  for_each_window_row(g, [&](int64_t row) { run(g, row, through, direct, x, winner, dy, dx); });
  rows_below(g, through, x, dx);
}

}  // namespace tuco::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tuco::cpu {

HWY_EXPORT(fused_forward);
HWY_EXPORT(fused_backward);

template <>
void bn_relu_pool_forward<float>(const WindowGeometry& g, const Normalization<float>& norm,
                                 const float* x, float* y, uint8_t* winner) {
  TUCO_DISPATCH(fused_forward)(g, norm, x, y, winner);
}
template <>
void bn_relu_pool_backward<float>(const WindowGeometry& g, const Normalization<float>& norm,
                                  const float* x, const float* y, const uint8_t* winner,
                                  const float* dy, float* dx, float* dgamma, float* dbeta) {
  TUCO_DISPATCH(fused_backward)(g, norm, x, y, winner, dy, dx, dgamma, dbeta);
}

}  // namespace tuco::cpu
#endif
