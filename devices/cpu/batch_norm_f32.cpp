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
    for (int k = 0; k < NV; ++k) add_lanes(sum[k], sums + c + k * kLanes, count - k * kLanes);
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
      add_lanes(sum[k], sums + c + k * kLanes, count - k * kLanes);
      add_lanes(square[k], squares + c + k * kLanes, count - k * kLanes);
    }
  }
};

// Sums of dy and of dy times normalised x.
struct GradientBody {
  const Normalization<float>& norm;
  const float *x, *dy;
  int64_t rows, channels;
  double *dbeta, *dgamma;

  template <int NV>
  void run(int64_t c, int64_t count) const {
    VecF mean[NV], beta[NV], gamma[NV];
    TUCO_UNROLL
    for (int k = 0; k < NV; ++k) {
      mean[k] = load_first(norm.mean + c + k * kLanes, count - k * kLanes);
      beta[k] = gamma[k] = zero();
    }
    for (int64_t r = 0; r < rows; ++r) {
      const float *value = x + r * channels + c, *grad = dy + r * channels + c;
      TUCO_UNROLL
      for (int k = 0; k < NV; ++k) {
        const int64_t rest = k == NV - 1 ? count - k * kLanes : kLanes;
        const VecF g = load_first(grad + k * kLanes, rest);
        beta[k] = hn::Add(beta[k], g);
        gamma[k] = hn::MulAdd(g, hn::Sub(load_first(value + k * kLanes, rest), mean[k]), gamma[k]);
      }
    }
    TUCO_UNROLL
    for (int k = 0; k < NV; ++k) {
      const int64_t rest = count - k * kLanes;
      const VecF inv_std = load_first(norm.inv_std + c + k * kLanes, rest);
      add_lanes(beta[k], dbeta + c + k * kLanes, rest);
      add_lanes(hn::Mul(gamma[k], inv_std), dgamma + c + k * kLanes, rest);
    }
  }
};

void sum_channels(int64_t rows, int64_t channels, const float* x, float* sums) {
  const ChannelChunks chunks(rows, channels);
  ChunkSums partial(chunks, 1);
  chunks.for_each([&](int64_t chunk, int64_t first, int64_t count) {
    for_each_channel_block(channels,
                           SumBody{x + first * channels, count, channels, partial.at(chunk, 0)});
  });
  const std::vector<double> total = partial.total(0);
  std::copy(total.begin(), total.end(), sums);
}

void moments(int64_t rows, int64_t channels, const float* x, float* mean, float* variance) {
  const ChannelChunks chunks(rows, channels);
  ChunkSums partial(chunks, 2);
  std::vector<float> offsets(chunks.count * channels);
  chunks.for_each([&](int64_t chunk, int64_t first, int64_t count) {
    for_each_channel_block(
        channels, MomentBody{x + first * channels, count, channels, &offsets[chunk * channels],
                             partial.at(chunk, 0), partial.at(chunk, 1)});
  });
  // The running mean and sum of squared differences from it, chunk by chunk.
  std::vector<double> center(channels), spread(channels);
  double seen = 0;
  for (int64_t chunk = 0; chunk < chunks.count; ++chunk) {
    const auto count = static_cast<double>(std::min(chunks.step, rows - chunk * chunks.step));
    const double total = seen + count, weight = count / total, cross = seen * weight;
    const double *sum = partial.at(chunk, 0), *square = partial.at(chunk, 1);
    for (int64_t c = 0; c < channels; ++c) {
      const double shift = sum[c] / count;
      const double delta = offsets[chunk * channels + c] + shift - center[c];
      spread[c] += square[c] - shift * sum[c] + delta * delta * cross;
      center[c] += delta * weight;
    }
    seen = total;
  }
  for (int64_t c = 0; c < channels; ++c) {
    mean[c] = static_cast<float>(center[c]);
    // Rounding may leave less than nothing; a NaN stays one.
    const double v = spread[c] / seen;
    variance[c] = static_cast<float>(v < 0 ? 0 : v);
  }
}

// y = x * scale + shift (+ extra * factor) over rows.
void affine_rows(int64_t rows, int64_t channels, const Affine& affine, const float* x,
                 const float* extra, const float* factor, float* y) {
  for (int64_t r = 0; r < rows; ++r) {
    const int64_t row = r * channels;
    for (int64_t c = 0; c < channels; c += kLanes) {
      const int64_t count = channels - c;
      VecF value =
          hn::MulAdd(load_first(x + row + c, count), load_first(affine.scale.data() + c, count),
                     load_first(affine.shift.data() + c, count));
      if (extra)
        value =
            hn::MulAdd(load_first(extra + row + c, count), load_first(factor + c, count), value);
      store_first(value, y + row + c, count);
    }
  }
}

void norm_forward(int64_t rows, int64_t channels, const Normalization<float>& norm, const float* x,
                  float* y) {
  const Affine affine(channels, norm);
  parallel_for(0, rows, 1 + (1 << 15) / (channels + 1), [&](int64_t begin, int64_t end) {
    affine_rows(end - begin, channels, affine, x + begin * channels, nullptr, nullptr,
                y + begin * channels);
  });
}

void norm_backward(int64_t rows, int64_t channels, const Normalization<float>& norm, const float* x,
                   const float* dy, float* dx, float* dgamma, float* dbeta) {
  const ChannelChunks chunks(rows, channels);
  ChunkSums partial(chunks, 2);
  chunks.for_each([&](int64_t chunk, int64_t first, int64_t count) {
    for_each_channel_block(
        channels, GradientBody{norm, x + first * channels, dy + first * channels, count, channels,
                               partial.at(chunk, 0), partial.at(chunk, 1)});
  });
  const std::vector<double> beta = partial.total(0), gamma = partial.total(1);
  std::copy(beta.begin(), beta.end(), dbeta);
  std::copy(gamma.begin(), gamma.end(), dgamma);
  if (!dx) return;
  const Affine through = statistics_gradient(rows, channels, norm, dgamma, dbeta);
  const Affine direct(channels, norm);
  parallel_for(0, rows, 1 + (1 << 15) / (channels + 1), [&](int64_t begin, int64_t end) {
    const int64_t at = begin * channels;
    affine_rows(end - begin, channels, through, x + at, dy + at, direct.scale.data(), dx + at);
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
                               const float* x, float* y) {
  TUCO_DISPATCH(norm_forward)(rows, channels, norm, x, y);
}
template <>
void batch_norm_backward<float>(int64_t rows, int64_t channels, const Normalization<float>& norm,
                                const float* x, const float* dy, float* dx, float* dgamma,
                                float* dbeta) {
  TUCO_DISPATCH(norm_backward)(rows, channels, norm, x, dy, dx, dgamma, dbeta);
}

}  // namespace tuco::cpu
#endif
