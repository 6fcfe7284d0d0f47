// Convolutions and linear layers on int8: their constants as the kernels want them, and the
// kernels. Sums are int32, exact, and requantized as TFLite does, so all instruction sets give the
// same bytes.
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

#include "tuco/core/ops/quantized.h"
#include "tuco/devices/cpu/aligned_bytes.h"
#include "tuco/devices/cpu/isa.h"
#include "tuco/devices/cpu/qadd.h"

namespace tuco::cpu {

/// How sums are scaled. In double rounding with right shifts alone, where no sum or constant comes
/// near the ends of int32, both roundings are one shift of 64 bits; ties go away from zero by one
/// less for negative sums, or up where the lower bound cuts all negative results.
enum class QForm { general, ties_away, ties_up };

/// What happens to the sums of some lanes: pointers to a number for each lane. `right` and `nudge`,
/// whose odd lanes begin `odd_nudge` behind the even ones, are those of QScale.
struct QConstants {
  const int32_t *bias, *multiplier, *shift, *right;
  const int64_t* nudge;
  int64_t odd_nudge;
  op::Requantize out;
  QForm form;
};

/// The one shift: ((sum * value + nudge) >> 32) >> right if ties go up, else
/// (((2 * sum * value + nudge) >> 32) - (sum < 0)) >> right. The zero point is in it.
struct QScale {
  int32_t right;
  int64_t nudge;
};

/// For a multiplier whose shift is in [-22, -1], and a short form.
QScale scale_of(const Multiplier& m, int32_t zero_point, QForm form);
/// The form of such multipliers, if the rounding is double.
inline QForm short_form(const op::Requantize& out) {
  return out.low >= out.zero_point ? QForm::ties_up : QForm::ties_away;
}

/// A convolution with constant weights.
struct QProduct {
  Hw kernel;
  int64_t depth, out, groups;  // depth: input channels of a group
  /// Whether neighbouring columns of the kernel lie together in an image: no dilation, one group.
  bool joined;
  int32_t in_zero_point;
  op::Requantize requantize;
  const int8_t* weight;
  const int32_t *bias, *multipliers;
  std::optional<op::QAdd> add = {};  // what follows, of another image (b) to the result (a)

  bool depthwise() const { return depth == 1 && groups > 1; }
  int64_t taps() const { return kernel.h * kernel.w; }
};

/// A QProduct packed for the instruction set that was in use. Products are cut into panels of
/// `width` output channels of a group, depthwise ones into blocks of `width` neighbouring outputs
/// of a row, of which `count` follow each other until they begin with the same channel again.
struct QPacked {
  Isa isa;
  QProduct product;  // without its pointers
  QForm form;
  std::optional<QLinearAdd> fused;  // the addition, if tiles do it
  int64_t width, count;
  int64_t runs, length;                 // contiguous runs of input elements under a window, and
                                        // their length
  size_t weight_bytes;                  // of one panel or block
  AlignedBytes weights, lanes, nudges;  // lanes: kQArrays arrays of `width` for each panel or block
  std::vector<QConstants> constants;    // of each panel or block
};
inline constexpr int64_t kQArrays = 4;

/// Throws Error if a multiplier is none.
QPacked pack(const QProduct& product);

/// y (batch, out_h, out_w, out_c) from x (batch, in_h, in_w, in_c). `added`, if the product has an
/// addition, is as large as y and not the same.
void qconvolve(const WindowGeometry& g, const QPacked& packed, const int8_t* x, const int8_t* added,
               int8_t* y);

/// The kernels behind them: products in qproduct.cpp, depthwise ones in qdepthwise.cpp. Packing
/// fills in what depends on the instruction set.
void pack_panels(const QProduct& product, QPacked& packed);
void pack_depthwise(const QProduct& product, QPacked& packed);
void convolve_panels(const WindowGeometry& g, const QPacked& packed, const int8_t* x,
                     const int8_t* added, int8_t* y);
void convolve_depthwise(const WindowGeometry& g, const QPacked& packed, const int8_t* x, int8_t* y);

/// Memory for weights and lanes of the sizes that are set, all zero.
void allocate(QPacked& packed);

/// Fills one lane of a block's constants from output channel `channel`; `correction` is added to
/// the bias for each unit of its weights.
void set_lane(const QProduct& product, int64_t channel, int32_t correction, QPacked& packed,
              int64_t block, int64_t lane);

}  // namespace tuco::cpu
