// Batch normalisation in float32: every pass streams through memory once, vectors over channels.
#include "tuco/devices/cpu/batch_norm_kernels.h"
#include "tuco/devices/cpu/channel_chunks.h"
#include "tuco/devices/cpu/highway_targets.h"
#include "tuco/devices/cpu/scratch.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tuco/devices/cpu/batch_norm_f32.cpp"
#include <hwy/foreach_target.h>

#include "tuco/devices/cpu/batch_norm-inl.h"

HWY_BEFORE_NAMESPACE();
namespace tuco::cpu::HWY_NAMESPACE {

// Some rows of the data, and where their sums go.
struct SumBody {
  const float* x;
  int64_t rows, channels;
  double* sums;

  template <int NV>
  void run(int64_t c, int64_t count) const {
    VecF sum[NV];
    TUCO_UNROLL
    for (int k = 0; k < NV; ++k) sum[k] = zero();
    const float* at = x + c;
    for (int64_t r = 0; r < rows; ++r, at += channels) {
      TUCO_UNROLL
      for (int k = 0; k < NV; ++k)
        sum[k] = hn::Add(sum[k], k == NV - 1 ? load_first(at + k * kLanes, count - k * kLanes)
                                             : load(at + k * kLanes));
    }
    for (int k = 0; k < NV; ++k) store_lanes(sum[k], sums + c + k * kLanes, count - k * kLanes);
  }
};

// Sums of differences from an offset, and of their squares. Any offset near the data is as good as
// the mean; this one is the mean of the first rows.
struct MomentBody {
  const float* x;
  int64_t rows, channels;
  float* offsets;
  double *sums, *squares;

  template <int NV>
  void run(int64_t c, int64_t count) const {
    const int64_t sample = std::min<int64_t>(rows, 8);
    VecF offset[NV], sum[NV], square[NV];
    TUCO_UNROLL
    for (int k = 0; k < NV; ++k) offset[k] = sum[k] = square[k] = zero();
    const float* at = x + c;
    for (int64_t r = 0; r < sample; ++r) {
      TUCO_UNROLL
      for (int k = 0; k < NV; ++k)
        offset[k] =
            hn::Add(offset[k], load_first(at + r * channels + k * kLanes, count - k * kLanes));
    }
    TUCO_UNROLL
    for (int k = 0; k < NV; ++k) {
      offset[k] = hn::Mul(offset[k], splat(1 / static_cast<float>(sample)));
      store_first(offset[k], offsets + c + k * kLanes, count - k * kLanes);
    }
    for (int64_t r = 0; r < rows; ++r, at += channels) {
      TUCO_UNROLL
      for (int k = 0; k < NV; ++k) {
        const VecF d = hn::Sub(
            k == NV - 1 ? load_first(at + k * kLanes, count - k * kLanes) : load(at + k * kLanes),
            offset[k]);
        sum[k] = hn::Add(sum[k], d);
        square[k] = hn::MulAdd(d, d, square[k]);
      }
    }
    for (int k = 0; k < NV; ++k) {
      store_lanes(sum[k], sums + c + k * kLanes, count - k * kLanes);
      store_lanes(square[k], squares + c + k * kLanes, count - k * kLanes);
    }
  }
};

// Where the gradient of what follows a normalisation is cut by ReLU.
enum class Cut { nowhere, where_x_says, where_y_says };

// Sums of dy and of dy times centred x, where ReLU let a value through. What the forward pass had
// to cut is computed again from x; where something was added before ReLU, y tells, and the gradient
// that is left is written too, since it is the gradient of what was added.
template <Cut cut>
struct GradientBody {
  const Affine& forward;
  const std::vector<float>& means;
  const float *x, *dy, *y;
  float* dskip;
  int64_t rows, channels;
  double *dbeta, *dcentred;

  template <int NV>
  void run(int64_t c, int64_t count) const {
    VecF mean[NV], scale[NV], shift[NV], beta[NV], gamma[NV];
    TUCO_UNROLL
    for (int k = 0; k < NV; ++k) {
      const int64_t rest = count - k * kLanes;
      mean[k] = load_first(means.data() + c + k * kLanes, rest);
      scale[k] = load_first(forward.scale.data() + c + k * kLanes, rest);
      shift[k] = load_first(forward.shift.data() + c + k * kLanes, rest);
      beta[k] = gamma[k] = zero();
    }
    for (int64_t r = 0; r < rows; ++r) {
      TUCO_UNROLL
      for (int k = 0; k < NV; ++k) {
        const int64_t rest = k == NV - 1 ? count - k * kLanes : kLanes;
        const int64_t at = r * channels + c + k * kLanes;
        const VecF value = load_first(x + at, rest);
        VecF g = load_first(dy + at, rest);
        if constexpr (cut == Cut::where_x_says)
          g = hn::IfThenZeroElse(hn::Le(hn::MulAdd(value, scale[k], shift[k]), zero()), g);
        if constexpr (cut == Cut::where_y_says) {
          g = hn::IfThenZeroElse(hn::Le(load_first(y + at, rest), zero()), g);
          store_first(g, dskip + at, rest);
        }
        beta[k] = hn::Add(beta[k], g);
        gamma[k] = hn::MulAdd(g, hn::Sub(value, mean[k]), gamma[k]);
      }
    }
    TUCO_UNROLL
    for (int k = 0; k < NV; ++k) {
      store_lanes(beta[k], dbeta + c + k * kLanes, count - k * kLanes);
      store_lanes(gamma[k], dcentred + c + k * kLanes, count - k * kLanes);
    }
  }
};

void sum_channels(int64_t data_rows, int64_t data_channels, const float* x, float* sums) {
  const FoldedRows view(data_rows, data_channels);
  const ChannelChunks chunks(view.rows, view.channels);
  const ChunkSums partial(chunks, 1);
  chunks.for_each([&](int64_t chunk, int64_t first, int64_t count) {
    for_each_channel_block(view.channels, SumBody{x + first * view.channels, count, view.channels,
                                                  partial.at(chunk, 0)});
  });
  const std::vector<double> total = partial.total(0, view.fold);
  std::copy(total.begin(), total.end(), sums);
}

void moments(int64_t rows, int64_t channels, const float* x, float* mean, float* variance) {
  const FoldedRows view(rows, channels);
  const ChannelChunks chunks(view.rows, view.channels);
  const ChunkSums partial(chunks, 2);
  Scratch scratch;
  float* offsets = scratch.get<float>(chunks.count * view.channels);
  chunks.for_each([&](int64_t chunk, int64_t first, int64_t count) {
    for_each_channel_block(view.channels, MomentBody{x + first * view.channels, count,
                                                     view.channels, offsets + chunk * view.channels,
                                                     partial.at(chunk, 0), partial.at(chunk, 1)});
  });
  // The running mean and sum of squared differences from it, chunk by chunk.
  std::vector<double> center(channels), spread(channels);
  double seen = 0;
  for (int64_t part = 0; part < chunks.count * view.fold; ++part) {
    const int64_t chunk = part / view.fold, column = part % view.fold * channels;
    const auto count = static_cast<double>(std::min(chunks.step, view.rows - chunk * chunks.step));
    const double total = seen + count, weight = count / total, cross = seen * weight;
    const double each = 1 / count;
    const double *sum = partial.at(chunk, 0) + column, *square = partial.at(chunk, 1) + column;
    const float* offset = offsets + chunk * view.channels + column;
    for (int64_t c = 0; c < channels; ++c) {
      const double shift = sum[c] * each;
      const double delta = offset[c] + shift - center[c];
      spread[c] += square[c] - shift * sum[c] + delta * delta * cross;
      center[c] += delta * weight;
    }
    seen = total;
  }
  for (int64_t c = 0; c < channels; ++c) {
    mean[c] = static_cast<float>(center[c]);
    variance[c] = static_cast<float>(std::max(0.0, spread[c] / static_cast<double>(rows)));
  }
}

/// Calls body(first value, rows) for pieces of the data, in parallel.
template <class Body>
void for_each_piece(const FoldedRows& view, const Body& body) {
  parallel_for(0, view.rows, 1 + (1 << 15) / (view.channels + 1),
               [&](int64_t begin, int64_t end) { body(begin * view.channels, end - begin); });
}

// y = relu(x * scale + shift + skip), or without one or both of the last two.
template <bool Relu, bool Skip>
void forward_rows(int64_t rows, int64_t channels, const Affine& affine, const float* x,
                  const float* skip, float* y) {
  for (int64_t r = 0; r < rows; ++r)
    for_each_vector(channels, [&](int64_t c, int64_t count) HWY_ATTR {
      const int64_t at = r * channels + c;
      VecF value = hn::MulAdd(load_first(x + at, count), load_first(&affine.scale[c], count),
                              load_first(&affine.shift[c], count));
      if constexpr (Skip) value = hn::Add(value, load_first(skip + at, count));
      // Not a maximum, which might lose a NaN.
      if constexpr (Relu) value = hn::IfThenZeroElse(hn::Le(value, zero()), value);
      store_first(value, y + at, count);
    });
}

void norm_forward(int64_t rows, int64_t channels, const Normalization<float>& norm, const float* x,
                  float* y, const Tail<float>& tail) {
  const FoldedRows view(rows, channels);
  Affine affine(channels, norm);
  affine.fold(view);
  const auto run = tail.skip   ? tail.relu ? forward_rows<true, true> : forward_rows<false, true>
                     : tail.relu ? forward_rows<true, false>
                               : forward_rows<false, false>;
  for_each_piece(view, [&](int64_t at, int64_t count) {
    run(count, view.channels, affine, x + at, tail.skip ? tail.skip + at : nullptr, y + at);
  });
}

// dx = x * through.scale + through.shift + dy * direct.scale, dy cut where relu(x * direct.scale +
// direct.shift) was, if there was a ReLU.
template <bool Relu>
void backward_rows(int64_t rows, int64_t channels, const Affine& through, const Affine& direct,
                   const float* x, const float* dy, float* dx) {
  for (int64_t r = 0; r < rows; ++r)
    for_each_vector(channels, [&](int64_t c, int64_t count) HWY_ATTR {
      const int64_t at = r * channels + c;
      const VecF value = load_first(x + at, count), scale = load_first(&direct.scale[c], count);
      VecF g = load_first(dy + at, count);
      if constexpr (Relu) {
        const VecF output = hn::MulAdd(value, scale, load_first(&direct.shift[c], count));
        g = hn::IfThenZeroElse(hn::Le(output, zero()), g);
      }
      const VecF rest = hn::MulAdd(value, load_first(&through.scale[c], count),
                                   load_first(&through.shift[c], count));
      store_first(hn::MulAdd(g, scale, rest), dx + at, count);
    });
}

template <Cut cut>
void norm_gradient_sums(const FoldedRows& view, const Normalization<float>& norm,
                        const Affine& forward, const float* x, const float* dy,
                        const TailGradient<float>& tail, float* dgamma, float* dbeta) {
  const std::vector<float> means = folded(norm.mean, view);
  const ChannelChunks chunks(view.rows, view.channels);
  const ChunkSums partial(chunks, 2);
  chunks.for_each([&](int64_t chunk, int64_t first, int64_t count) {
    const int64_t at = first * view.channels;
    for_each_channel_block(
        view.channels,
        GradientBody<cut>{forward, means, x + at, dy + at, tail.y ? tail.y + at : nullptr,
                          tail.dskip ? tail.dskip + at : nullptr, count, view.channels,
                          partial.at(chunk, 0), partial.at(chunk, 1)});
  });
  const std::vector<double> beta = partial.total(0, view.fold),
                            centred = partial.total(1, view.fold);
  std::copy(beta.begin(), beta.end(), dbeta);
  for (size_t c = 0; c < centred.size(); ++c)
    dgamma[c] = static_cast<float>(centred[c] * norm.inv_std[c]);
}

void norm_backward(int64_t rows, int64_t channels, const Normalization<float>& norm, const float* x,
                   const float* dy, float* dx, float* dgamma, float* dbeta,
                   const TailGradient<float>& tail) {
  const FoldedRows view(rows, channels);
  Affine direct(channels, norm);
  direct.fold(view);
  const auto sums = tail.y      ? norm_gradient_sums<Cut::where_y_says>
                    : tail.relu ? norm_gradient_sums<Cut::where_x_says>
                                : norm_gradient_sums<Cut::nowhere>;
  sums(view, norm, direct, x, dy, tail, dgamma, dbeta);
  if (!dx) return;
  Affine through = statistics_gradient(rows, channels, norm, dgamma, dbeta);
  through.fold(view);
  const float* gradient = tail.y ? tail.dskip : dy;
  const auto run = tail.relu && !tail.y ? backward_rows<true> : backward_rows<false>;
  for_each_piece(view, [&](int64_t at, int64_t count) {
    run(count, view.channels, through, direct, x + at, gradient + at, dx + at);
  });
}

}  // namespace tuco::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tuco::cpu {

HWY_EXPORT(sum_channels);
HWY_EXPORT(moments);
HWY_EXPORT(norm_forward);
HWY_EXPORT(norm_backward);

template <>
void channel_sums<float>(int64_t rows, int64_t channels, const float* x, float* sums) {
  TUCO_DISPATCH(sum_channels)(rows, channels, x, sums);
}
template <>
void channel_statistics<float>(int64_t rows, int64_t channels, const float* x, float* mean,
                               float* variance) {
  TUCO_DISPATCH(moments)(rows, channels, x, mean, variance);
}
template <>
void batch_norm_forward<float>(int64_t rows, int64_t channels, const Normalization<float>& norm,
                               const float* x, float* y, const Tail<float>& tail) {
  TUCO_DISPATCH(norm_forward)(rows, channels, norm, x, y, tail);
}
template <>
void batch_norm_backward<float>(int64_t rows, int64_t channels, const Normalization<float>& norm,
                                const float* x, const float* dy, float* dx, float* dgamma,
                                float* dbeta, const TailGradient<float>& tail) {
  TUCO_DISPATCH(norm_backward)(rows, channels, norm, x, dy, dx, dgamma, dbeta, tail);
}

}  // namespace tuco::cpu
#endif
