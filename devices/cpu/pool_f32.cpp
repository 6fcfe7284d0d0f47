// Pooling in float32, a block of channels at a time. The gradients are gathered: each input asks
// the windows that contain it, so that nothing is cleared first and no two threads write one place.
#include <limits>
#include <vector>

#include "tuco/core/parallel.h"
#include "tuco/devices/cpu/highway_targets.h"
#include "tuco/devices/cpu/pool_kernels.h"
#include "tuco/devices/pool_windows.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tuco/devices/cpu/pool_f32.cpp"
#include <hwy/foreach_target.h>

#include "tuco/devices/cpu/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace tuco::cpu::HWY_NAMESPACE {

constexpr int kBlock = 4;  // vectors of channels that are reduced together

// Where a window or an input lies, and a block of its channels.
struct PoolSite {
  int64_t n, i, j;
  int64_t channel, count;  // first channel; how many, if the block is the last
};

// One block of NV vectors of channels of one window.
template <int NV>
void max_window(const WindowGeometry& g, const PoolSite& s, const float* x, float* y,
                int32_t* winner) {
  const PoolAxis v = vertical(g), h = horizontal(g);
  const auto rows = v.cells(s.i), columns = h.cells(s.j);
  const auto start = v.input(s.i, rows.begin) * g.in_w + h.input(s.j, columns.begin);
  VecF best[NV];
  VecI which[NV];
  TUCO_UNROLL
  for (int k = 0; k < NV; ++k) {
    best[k] = splat(-std::numeric_limits<float>::infinity());
    which[k] = splat_integer(start);
  }
  const float* image = x + s.n * g.in_h * g.in_w * g.in_c + s.channel;
  for (int64_t a = rows.begin; a < rows.end; ++a)
    for (int64_t b = columns.begin; b < columns.end; ++b) {
      const int64_t pixel = v.input(s.i, a) * g.in_w + h.input(s.j, b);
      const float* in = image + pixel * g.in_c;
      const VecI here = splat_integer(pixel);
      TUCO_UNROLL
      for (int k = 0; k < NV; ++k) {
        const VecF value =
            k == NV - 1 ? load_first(in + k * kLanes, s.count - k * kLanes) : load(in + k * kLanes);
        const auto better = hn::Or(hn::Gt(value, best[k]), hn::IsNaN(value));
        best[k] = hn::IfThenElse(better, value, best[k]);
        which[k] = choose_integer(better, here, which[k]);
      }
    }
  const int64_t out = ((s.n * g.out_h + s.i) * g.out_w + s.j) * g.in_c + s.channel;
  TUCO_UNROLL
  for (int k = 0; k < NV; ++k) {
    const int64_t count = s.count - k * kLanes;
    store_first(best[k], y + out + k * kLanes, count);
    if (winner) store_first(I32(), which[k], winner + out + k * kLanes, count);
  }
}

template <int NV>
void mean_window(const WindowGeometry& g, const PoolSite& s, float scale, const float* x,
                 float* y) {
  const PoolAxis v = vertical(g), h = horizontal(g);
  const auto rows = v.cells(s.i), columns = h.cells(s.j);
  VecF sum[NV];
  TUCO_UNROLL
  for (int k = 0; k < NV; ++k) sum[k] = zero();
  for (int64_t a = rows.begin; a < rows.end; ++a) {
    const float* row = x + (s.n * g.in_h + v.input(s.i, a)) * g.in_w * g.in_c + s.channel;
    VecF part[NV];  // sums of rows stay short, and so exact enough for large windows
    TUCO_UNROLL
    for (int k = 0; k < NV; ++k) part[k] = zero();
    for (int64_t b = columns.begin; b < columns.end; ++b) {
      const float* in = row + h.input(s.j, b) * g.in_c;
      TUCO_UNROLL
      for (int k = 0; k < NV; ++k)
        part[k] = hn::Add(part[k], k == NV - 1 ? load_first(in + k * kLanes, s.count - k * kLanes)
                                               : load(in + k * kLanes));
    }
    TUCO_UNROLL
    for (int k = 0; k < NV; ++k) sum[k] = hn::Add(sum[k], part[k]);
  }
  float* out = y + ((s.n * g.out_h + s.i) * g.out_w + s.j) * g.in_c + s.channel;
  TUCO_UNROLL
  for (int k = 0; k < NV; ++k)
    store_first(hn::Mul(sum[k], splat(scale)), out + k * kLanes, s.count - k * kLanes);
}

// The gradient of row `i` of image `n`, from the windows that contain each input: those that it won
// where `winner` is given, else a share of each.
void gather_row(const WindowGeometry& g, bool count_include_pad, int64_t n, int64_t i,
                const std::vector<IndexRange<int64_t>>& columns_of, const float* dy,
                const int32_t* winner, float* dx) {
  const PoolAxis v = vertical(g), h = horizontal(g);
  const auto rows = v.windows(i);
  for (int64_t j = 0; j < g.in_w; ++j) {
    const auto columns = columns_of[j];
    float* out = dx + ((n * g.in_h + i) * g.in_w + j) * g.in_c;
    const VecI pixel = splat_integer(i * g.in_w + j);
    bool first = true;
    for (int64_t a = rows.begin; a < rows.end; ++a)
      for (int64_t b = columns.begin; b < columns.end; ++b) {
        if (!v.contains(a, i) || !h.contains(b, j)) continue;
        const int64_t window = ((n * g.out_h + a) * g.out_w + b) * g.in_c;
        const float scale =
            winner ? 1 : 1 / static_cast<float>(pool_divisor(v, h, a, b, count_include_pad));
        for (int64_t c = 0; c < g.in_c; c += kLanes) {
          const int64_t count = g.in_c - c;
          VecF value = load_first(dy + window + c, count);
          if (winner) {
            const auto which = load_first(I32(), winner + window + c, count);
            value = hn::IfThenElseZero(equal_integers(which, pixel), value);
          } else {
            value = hn::Mul(value, splat(scale));
          }
          if (!first) value = hn::Add(value, load_first(out + c, count));
          store_first(value, out + c, count);
        }
        first = false;
      }
    if (first) std::fill_n(out, g.in_c, 0.0f);
  }
}

void gather_all(const WindowGeometry& g, bool count_include_pad, const float* dy,
                const int32_t* winner, float* dx) {
  std::vector<IndexRange<int64_t>> columns;
  for (int64_t j = 0; j < g.in_w; ++j) columns.push_back(horizontal(g).windows(j));
  parallel_for(
      0, g.batch * g.in_h, 1 + (1 << 14) / (g.in_w * g.in_c + 1), [&](int64_t begin, int64_t end) {
        for (int64_t row = begin; row < end; ++row)
          gather_row(g, count_include_pad, row / g.in_h, row % g.in_h, columns, dy, winner, dx);
      });
}

// Calls visit<NV>(site) for all windows and blocks of channels.
template <class Visit>
void for_each_block(const WindowGeometry& g, const Visit& visit) {
  constexpr int64_t kChannels = kBlock * kLanes;
  const int64_t blocks = (g.in_c + kChannels - 1) / kChannels;
  const int64_t work = kChannels * g.kernel.h * g.kernel.w;
  parallel_for(0, g.batch * g.out_h * g.out_w * blocks, 1 + (1 << 16) / work,
               [&](int64_t begin, int64_t end) {
                 for (int64_t u = begin; u < end; ++u) {
                   const int64_t window = u / blocks, row = window / g.out_w;
                   const int64_t channel = u % blocks * kChannels;
                   const PoolSite site{row / g.out_h, row % g.out_h, window % g.out_w, channel,
                                       std::min(kChannels, g.in_c - channel)};
                   switch ((site.count + kLanes - 1) / kLanes) {
                     case 1:
                       visit.template run<1>(site);
                       break;
                     case 2:
                       visit.template run<2>(site);
                       break;
                     case 3:
                       visit.template run<3>(site);
                       break;
                     default:
                       visit.template run<kBlock>(site);
                   }
                 }
               });
}

struct MaxVisit {
  const WindowGeometry& g;
  const float* x;
  float* y;
  int32_t* winner;
  template <int NV>
  void run(const PoolSite& s) const {
    max_window<NV>(g, s, x, y, winner);
  }
};

struct MeanVisit {
  const WindowGeometry& g;
  bool count_include_pad;
  const float* x;
  float* y;
  template <int NV>
  void run(const PoolSite& s) const {
    const int64_t divisor = pool_divisor(vertical(g), horizontal(g), s.i, s.j, count_include_pad);
    mean_window<NV>(g, s, 1 / static_cast<float>(divisor), x, y);
  }
};

void pool_max(const WindowGeometry& g, const float* x, float* y, int32_t* winner) {
  for_each_block(g, MaxVisit{g, x, y, winner});
}
void pool_mean(const WindowGeometry& g, bool count_include_pad, const float* x, float* y) {
  for_each_block(g, MeanVisit{g, count_include_pad, x, y});
}

}  // namespace tuco::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tuco::cpu {

HWY_EXPORT(pool_max);
HWY_EXPORT(pool_mean);
HWY_EXPORT(gather_all);

template <>
void max_pool_forward<float>(const WindowGeometry& g, const float* x, float* y, int32_t* winner) {
  TUCO_DISPATCH(pool_max)(g, x, y, winner);
}
template <>
void max_pool_backward<float>(const WindowGeometry& g, const float* dy, const int32_t* winner,
                              float* dx) {
  TUCO_DISPATCH(gather_all)(g, false, dy, winner, dx);
}
template <>
void average_pool_forward<float>(const WindowGeometry& g, bool count_include_pad, const float* x,
                                 float* y) {
  TUCO_DISPATCH(pool_mean)(g, count_include_pad, x, y);
}
template <>
void average_pool_backward<float>(const WindowGeometry& g, bool count_include_pad, const float* dy,
                                  float* dx) {
  TUCO_DISPATCH(gather_all)(g, count_include_pad, dy, nullptr, dx);
}

}  // namespace tuco::cpu
#endif
