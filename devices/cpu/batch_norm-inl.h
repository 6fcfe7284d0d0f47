// What the float32 batch normalisations share: how rows are put side by side, and the channels'
// factors. Compiled once for each Highway target.
#include "tuco/devices/cpu/batch_norm_kernels.h"

#if defined(TUCO_DEVICES_CPU_BATCH_NORM_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef TUCO_DEVICES_CPU_BATCH_NORM_INL_H_
#undef TUCO_DEVICES_CPU_BATCH_NORM_INL_H_
#else
#define TUCO_DEVICES_CPU_BATCH_NORM_INL_H_
#endif

#include <vector>

#include "tuco/devices/cpu/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace tuco::cpu::HWY_NAMESPACE {

constexpr int kNormBlock = 4;  // vectors of channels that are summed together

// (rows, channels) data with `fold` rows taken as one: 8 channels fill half a vector, but 8 rows of
// them four vectors. Channel c of the data is the columns c, c + channels / fold, ...
struct FoldedRows {
  FoldedRows(int64_t data_rows, int64_t data_channels) : rows(data_rows), channels(data_channels) {
    for (int64_t f = 1; f <= 64 && f * data_channels <= 2048 && data_rows % f == 0; f *= 2) {
      if (f * data_channels % kLanes != 0) continue;
      fold = f;
      if (f * data_channels >= kNormBlock * kLanes) break;
    }
    rows /= fold;
    channels *= fold;
  }
  int64_t rows, channels, fold = 1;
};

/// `values` once for each of the rows taken as one.
inline std::vector<float> folded(const float* values, const FoldedRows& view) {
  const int64_t channels = view.channels / view.fold;
  std::vector<float> result(view.channels);
  for (int64_t i = 0; i < view.channels; ++i) result[i] = values[i % channels];
  return result;
}

/// y = x * scale + shift, the two computed in double.
struct Affine {
  Affine(int64_t channels, const Normalization<float>& norm) : scale(channels), shift(channels) {
    for (int64_t c = 0; c < channels; ++c) {
      const double s = (norm.gamma ? norm.gamma[c] : 1.0) * norm.inv_std[c];
      scale[c] = static_cast<float>(s);
      shift[c] = static_cast<float>((norm.beta ? norm.beta[c] : 0.0) - norm.mean[c] * s);
    }
  }
  void fold(const FoldedRows& view) {
    scale = folded(scale.data(), view);
    shift = folded(shift.data(), view);
  }
  std::vector<float> scale, shift;
};

/// The part of dx that flows through mean and variance: x * scale + shift.
inline Affine statistics_gradient(int64_t rows, int64_t channels, const Normalization<float>& norm,
                                  const float* dgamma, const float* dbeta) {
  Affine affine(channels, norm);
  for (int64_t c = 0; c < channels; ++c) {
    const double share = norm.batch_statistics ? (norm.gamma ? norm.gamma[c] : 1.0) *
                                                     norm.inv_std[c] / static_cast<double>(rows)
                                               : 0.0;
    const double s = -share * dgamma[c] * norm.inv_std[c];
    affine.scale[c] = static_cast<float>(s);
    affine.shift[c] = static_cast<float>(-share * dbeta[c] - s * norm.mean[c]);
  }
  return affine;
}

/// Calls body.run<NV>(first channel, channels of the block) for blocks of up to kNormBlock vectors.
template <class Body>
void for_each_channel_block(int64_t channels, const Body& body) {
  for (int64_t c = 0; c < channels; c += kNormBlock * kLanes) {
    const int64_t count = channels - c;
    if (count > 3 * kLanes)
      body.template run<4>(c, count);
    else if (count > 2 * kLanes)
      body.template run<3>(c, count);
    else if (count > kLanes)
      body.template run<2>(c, count);
    else
      body.template run<1>(c, count);
  }
}

/// Writes the lanes of `v` to `count` doubles.
HWY_INLINE void store_lanes(VecF v, double* to, int64_t count) {
  HWY_ALIGN float lanes[kLanes];
  hn::Store(v, F32(), lanes);
  for (int64_t i = 0; i < std::min(count, kLanes); ++i) to[i] = lanes[i];
}

}  // namespace tuco::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
