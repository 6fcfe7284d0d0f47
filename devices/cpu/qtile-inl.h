// The register tile of int8 products: some pixels by the channels of a panel. Compiled once for
// each Highway target, as int8-inl.h is.
#if defined(TUCO_DEVICES_CPU_QTILE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef TUCO_DEVICES_CPU_QTILE_INL_H_
#undef TUCO_DEVICES_CPU_QTILE_INL_H_
#else
#define TUCO_DEVICES_CPU_QTILE_INL_H_
#endif

#include "tuco/devices/cpu/qfinish-inl.h"

HWY_BEFORE_NAMESPACE();
namespace tuco::cpu::HWY_NAMESPACE {

#if HWY_TARGET == HWY_SCALAR
// A panel is one channel, whose weights lie together: what compilers make vectors of by themselves.
template <int MR, int NV, int kShared = 1>
void tile(const QTile& t) {
  VecI sums[MR][NV];
  for (int i = 0; i < MR; ++i) {
    const auto* w = reinterpret_cast<const Weight*>(t.weights);
    int32_t sum = *t.constants->bias;
    for (int64_t run = 0; run < t.runs; ++run) {
      const Element* x = t.pixels[i] + t.offsets[run] / static_cast<ptrdiff_t>(sizeof(Element));
      const int64_t length = t.run_bytes / static_cast<int64_t>(sizeof(Element));
      for (int64_t k = 0; k < length; ++k) sum += x[k] * w[k];
      w += length;
    }
    sums[i][0] = VecI(sum);
  }
  finish_panel<MR, NV>(sums, t);
}
template <int kPanels>
void tiles_of_pixel(const QTile* tiles) {
  for (int p = 0; p < kPanels; ++p) tile<1, 1>(tiles[p]);
}
#else
/// MR pixels by NV vectors of channels; kShared neighbouring pixels have one pointer.
template <int MR, int NV, int kShared = 1>
void tile(const QTile& t) {
  // Few sums would wait for each other: then several words of a run are summed apart.
  constexpr int KU = std::clamp(kMaxSums / (MR * NV), 1, 4);
  VecI sums[KU][MR][NV];
  TUCO_UNROLL
  for (int u = 0; u < KU; ++u) {
    TUCO_UNROLL
    for (int j = 0; j < NV; ++j) {
      const VecI start = u == 0 ? load_ints(t.constants->bias + j * kLanes) : hn::Zero(I32());
      TUCO_UNROLL
      for (int i = 0; i < MR; ++i) sums[u][i][j] = start;
    }
  }
  const char* pixels[MR / kShared];
  TUCO_UNROLL
  for (int i = 0; i < MR / kShared; ++i) {
    pixels[i] = reinterpret_cast<const char*>(t.pixels[i]);
    asm("" : "+r"(pixels[i]));  // in a register
  }
  ptrdiff_t column = t.column;
  asm("" : "+r"(column));
  const int32_t* w = t.weights;
  for (int64_t run = 0; run < t.runs; ++run) {
    ptrdiff_t k = t.offsets[run];
    const ptrdiff_t end = k + t.run_bytes;
    const auto step = [&](auto& into, ptrdiff_t at) {
      VecI weights[NV];
      TUCO_UNROLL
      for (int j = 0; j < NV; ++j, w += kLanes) weights[j] = load_ints(w);
      TUCO_UNROLL
      for (int i = 0; i < MR; ++i) {
        int32_t word;
        std::memcpy(&word, pixels[i / kShared] + at + i % kShared * column, 4);
        const VecI elements = hn::Set(I32(), word);
        TUCO_UNROLL
        for (int j = 0; j < NV; ++j) into[i][j] = dot(into[i][j], elements, weights[j]);
      }
    };
    if constexpr (KU > 1)
      for (; k + 4 * KU <= end; k += 4 * KU) {
        TUCO_UNROLL
        for (int u = 0; u < KU; ++u) step(sums[u], k + 4 * u);
      }
    for (; k < end; k += 4) step(sums[0], k);
  }
  TUCO_UNROLL
  for (int u = 1; u < KU; ++u) {
    TUCO_UNROLL
    for (int i = 0; i < MR; ++i) {
      TUCO_UNROLL
      for (int j = 0; j < NV; ++j) sums[0][i][j] = sums[0][i][j] + sums[u][i][j];
    }
  }
  finish_panel<MR, NV>(sums[0], t);
}

/// One pixel, of one run, by kPanels panels of kPair vectors, whose weights come side by side.
template <int kPanels>
void tiles_of_pixel(const QTile* tiles) {
  constexpr int KU = std::max(1, kMaxSums / (kPanels * kPair));
  VecI sums[kPanels][KU][kPair];
  const int32_t* weights[kPanels];
  TUCO_UNROLL
  for (int p = 0; p < kPanels; ++p) {
    TUCO_UNROLL
    for (int j = 0; j < kPair; ++j) {
      sums[p][0][j] = load_ints(tiles[p].constants->bias + j * kLanes);
      TUCO_UNROLL
      for (int u = 1; u < KU; ++u) sums[p][u][j] = hn::Zero(I32());
    }
    weights[p] = tiles[p].weights;
    asm("" : "+r"(weights[p]));
  }
  const auto* pixel = reinterpret_cast<const char*>(tiles->pixels[0]);
  const auto step = [&](int u, int64_t word) {
    int32_t group;
    std::memcpy(&group, pixel + 4 * word, 4);
    const VecI elements = hn::Set(I32(), group);
    TUCO_UNROLL
    for (int p = 0; p < kPanels; ++p) {
      TUCO_UNROLL
      for (int j = 0; j < kPair; ++j)
        sums[p][u][j] =
            dot(sums[p][u][j], elements, load_ints(weights[p] + (word * kPair + j) * kLanes));
    }
  };
  const int64_t words = tiles->run_bytes / 4;
  int64_t word = 0;
  for (; word + KU <= words; word += KU) {
    TUCO_UNROLL
    for (int u = 0; u < KU; ++u) step(u, word + u);
  }
  for (; word < words; ++word) step(0, word);
  TUCO_UNROLL
  for (int p = 0; p < kPanels; ++p) {
    VecI total[1][kPair];
    TUCO_UNROLL
    for (int j = 0; j < kPair; ++j) {
      total[0][j] = sums[p][0][j];
      TUCO_UNROLL
      for (int u = 1; u < KU; ++u) total[0][j] = total[0][j] + sums[p][u][j];
    }
    finish_panel<1, kPair>(total, tiles[p]);
  }
}
#endif

}  // namespace tuco::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
