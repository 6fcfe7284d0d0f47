// What becomes of the sums of a register tile of int8 products: they are scaled, perhaps added to
// another image, and stored. Compiled once for each Highway target, as int8-inl.h is.
#if defined(TUCO_DEVICES_CPU_QFINISH_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef TUCO_DEVICES_CPU_QFINISH_INL_H_
#undef TUCO_DEVICES_CPU_QFINISH_INL_H_
#else
#define TUCO_DEVICES_CPU_QFINISH_INL_H_
#endif

#include "tuco/devices/cpu/int8-inl.h"
#include "tuco/devices/cpu/qadd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace tuco::cpu::HWY_NAMESPACE {

constexpr int kMaxRows = HWY_CAP_GE512 ? 8 : 4;  // pixels of the largest tile of kPair vectors
constexpr int kMaxSums = kPair * kMaxRows;       // vectors of sums in registers
// Pixels that follow each other in a row of the image, and so share a pointer, in the tile of
// kMaxSums pixels by one vector.
constexpr int kNeighbours = 4;

/// Some pixels by the channels of a panel.
struct QTile {
  const Element* pixels[8];  // where their windows begin, or those of every kNeighbours-th
  ptrdiff_t column;          // bytes from one neighbour to the next
  const ptrdiff_t* offsets;  // of the runs, in bytes
  int64_t runs, run_bytes;   // run_bytes: a multiple of 4
  const int32_t* weights;    // a group of them in each
  const QConstants* constants;
  const LinearAddition* addition;  // null: none
  int8_t* y;
  const int8_t* added;  // where the addend's image is what y is of the output
  ptrdiff_t y_row;
  int64_t channels;  // of the panel that exist
};

template <int NV>
using PanelBytes = std::conditional_t<NV == 1, I8Quarter, I8Half>;

#if TUCO_X86_VECTORS
// Narrowing four vectors happens within 128 bits. Where the words of `kPixels` pixels are then.
template <int kPixels>
struct NarrowedOrder {
  HWY_ALIGN int32_t words[kLanes];
  constexpr NarrowedOrder() : words() {
    constexpr int kWords = 4 / kPixels;  // of a pixel within 128 bits
    for (int i = 0; i < kLanes; ++i) {
      const int pixel = i / (kWords * kLanes / 4), word = i % (kWords * kLanes / 4);
      words[i] = word / kWords * 4 + pixel * kWords + word % kWords;
    }
  }
};

/// Four vectors of results of kPixels pixels, one pixel after another.
template <int kPixels>
HWY_INLINE hn::Vec<I8> narrow_pixels(const VecI* v) {
  static constexpr NarrowedOrder<kPixels> kOrder;
  return hn::BitCast(I8(), hn::TableLookupLanes(hn::BitCast(I32(), narrow_four(v)),
                                                hn::SetTableIndices(I32(), kOrder.words)));
}
#endif

/// One pixel's results.
template <int NV>
HWY_INLINE void store_pixel(const VecI (&v)[NV], const op::Requantize& out, int8_t* y,
                            int64_t channels) {
  using D = PanelBytes<NV>;
  const auto bytes = [&] {
    if constexpr (NV == 1)
      return narrow(v[0]);
    else
      return narrow(v[0], v[1]);
  }();
  const auto low = hn::Set(D(), static_cast<int8_t>(out.low)),
             high = hn::Set(D(), static_cast<int8_t>(out.high));
  store_first_bytes(D(), hn::Min(hn::Max(bytes, low), high), y, channels);
}

/// The results of some pixels.
template <int MR, int NV>
HWY_INLINE void store_pixels(const VecI (&v)[MR][NV], const op::Requantize& out, int8_t* y,
                             ptrdiff_t y_row, int64_t channels) {
#if TUCO_X86_VECTORS
  constexpr int kPixels = 4 / NV;  // that four vectors hold
  if constexpr (MR % kPixels == 0) {
    // Whole panels; of one vector, if pixels lie together.
    if (channels == NV * kLanes && (NV == kPair || y_row == kLanes)) {
      const auto low = hn::Set(I8(), static_cast<int8_t>(out.low)),
                 high = hn::Set(I8(), static_cast<int8_t>(out.high));
      TUCO_UNROLL
      for (int i = 0; i < MR; i += kPixels) {
        VecI four[4];
        TUCO_UNROLL
        for (int k = 0; k < 4; ++k) four[k] = v[i + k / NV][k % NV];
        const auto bytes = hn::Min(hn::Max(narrow_pixels<kPixels>(four), low), high);
        if constexpr (NV == 1) {
          hn::StoreU(bytes, I8(), y + i * kLanes);
        } else {
          hn::StoreU(hn::LowerHalf(bytes), I8Half(), y + i * y_row);
          hn::StoreU(hn::UpperHalf(I8Half(), bytes), I8Half(), y + (i + 1) * y_row);
        }
      }
      return;
    }
  }
#endif
  TUCO_UNROLL
  for (int i = 0; i < MR; ++i) store_pixel<NV>(v[i], out, y + i * y_row, channels);
}

template <QForm kForm, int MR, int NV>
HWY_INLINE void finish_short(VecI (&sums)[MR][NV], const QTile& t) {
  const QConstants& c = *t.constants;
  TUCO_UNROLL
  for (int j = 0; j < NV; ++j) {
    const Requantizer requantizer(c, j * kLanes);
    TUCO_UNROLL
    for (int i = 0; i < MR; ++i) sums[i][j] = requantizer.scaled<kForm>(sums[i][j]);
  }
  store_pixels(sums, c.out, t.y, t.y_row, t.channels);
}

// What follows is for sums in memory, of `rows` pixels: no code for each tile.

template <int NV>
HWY_NOINLINE void finish_general(const int32_t* sums, int rows, const QTile& t) {
  for (int i = 0; i < rows; ++i) {
    VecI v[NV];
    for (int j = 0; j < NV; ++j)
      v[j] = requantize_general(load_ints(sums + (i * NV + j) * kLanes), *t.constants, j * kLanes);
    store_pixel<NV>(v, t.constants->out, t.y + i * t.y_row, t.channels);
  }
}

#if TUCO_X86_VECTORS
/// The addend of two vectors, in the order of their sums as int16: of one pixel, or of two.
template <int NV>
HWY_INLINE hn::Vec<I16> load_addend(const int8_t* p, ptrdiff_t row, int64_t channels) {
  if constexpr (NV == kPair) {
    return hn::PromoteTo(I16(), load_first_bytes(I8Half(), p, channels));
  } else {
    HWY_ALIGN int8_t two[2 * kLanes];
    if (row != kLanes) {
      std::memcpy(two, p, static_cast<size_t>(channels));
      std::memcpy(two + kLanes, p + row, static_cast<size_t>(channels));
      p = two;
    }
    // Narrowing to int16 takes four numbers of one, four of the other.
    using Words = hn::Repartition<int32_t, I8Half>;
    HWY_ALIGN int32_t order[kLanes / 2];
    for (int i = 0; i < kLanes / 2; ++i) order[i] = i / 2 + i % 2 * (kLanes / 4);
    const auto words = hn::BitCast(Words(), hn::LoadU(I8Half(), p));
    return hn::PromoteTo(
        I16(),
        hn::BitCast(I8Half(), hn::TableLookupLanes(words, hn::SetTableIndices(Words(), order))));
  }
}
#endif

/// Scales the sums and adds; kTogether pixels at a time.
template <int kTogether, int NV>
HWY_NOINLINE void finish_added(const int32_t* sums, int rows, const QTile& t) {
  const QConstants& c = *t.constants;
  const LinearAddition addition = *t.addition;
  const auto scaled = [&](const Requantizer& by, const int32_t* from) TUCO_INLINE_LAMBDA {
    return by.scaled<QForm::ties_away>(load_ints(from));
  };
#if TUCO_X86_VECTORS
  constexpr int kPixels = kPair / NV;  // of two vectors
  if constexpr (kTogether >= kPixels) {
    const Requantizer first(c, 0), second(c, (NV - 1) * kLanes);
    const auto low = hn::Set(I16(), static_cast<int16_t>(c.out.low)),
               high = hn::Set(I16(), static_cast<int16_t>(c.out.high));
    for (int i = 0; i < rows; i += kTogether, sums += kTogether * NV * kLanes) {
      VecI v[kTogether][NV];
      TUCO_UNROLL
      for (int k = 0; k < kTogether; k += kPixels) {
        const int32_t* from = sums + k * NV * kLanes;
        const auto both =
            hn::ReorderDemote2To(I16(), scaled(first, from), scaled(second, from + kLanes));
        const auto q = hn::Min(hn::Max(both, low), high);
        const auto r = load_addend<NV>(t.added + (i + k) * t.y_row, t.y_row, t.channels);
        v[k][0] = addition(hn::BitCast(I32(), hn::InterleaveLower(I16(), q, r)));
        v[k + kPixels - 1][NV - 1] = addition(hn::BitCast(I32(), hn::InterleaveUpper(I16(), q, r)));
      }
      store_pixels(v, addition.out, t.y + i * t.y_row, t.y_row, t.channels);
    }
    return;
  }
#endif
  for (int i = 0; i < rows; ++i) {
    VecI v[NV];
    for (int j = 0; j < NV; ++j)
      v[j] = scaled(Requantizer(c, j * kLanes), sums + (i * NV + j) * kLanes);
    int8_t q[NV * kLanes];
    store_pixel<NV>(v, c.out, q, t.channels);
    const ptrdiff_t at = i * t.y_row;
    for (int64_t k = 0; k < t.channels; ++k)
      t.y[at + k] = static_cast<int8_t>(
          std::clamp(addition(q[k], t.added[at + k]), addition.out.low, addition.out.high));
  }
}

template <int MR, int NV>
HWY_INLINE void finish_panel(VecI (&sums)[MR][NV], const QTile& t) {
  if (!t.addition) {
    if (t.constants->form == QForm::ties_up) return finish_short<QForm::ties_up>(sums, t);
    if (t.constants->form == QForm::ties_away) return finish_short<QForm::ties_away>(sums, t);
  }
  HWY_ALIGN int32_t memory[MR * NV * kLanes];
  TUCO_UNROLL
  for (int i = 0; i < MR; ++i) {
    TUCO_UNROLL
    for (int j = 0; j < NV; ++j) hn::Store(sums[i][j], I32(), memory + (i * NV + j) * kLanes);
  }
  if (t.addition)
    finish_added<MR == 1 ? 1 : 4 / NV, NV>(memory, MR, t);
  else
    finish_general<NV>(memory, MR, t);
}

}  // namespace tuco::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
