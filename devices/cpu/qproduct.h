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

namespace tuco::cpu {

/// What happens to the sums of some lanes: pointers to a number for each lane.
struct QConstants {
  const int32_t *bias, *multiplier, *shift, *right, *half;
  op::Requantize out;
  /// Double rounding with right shifts alone, and no sum or constant near the ends of int32: half
  /// and right then hold all that follows the multiplication, the zero point included.
  bool simple;
};

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

  bool depthwise() const { return depth == 1 && groups > 1; }
  int64_t taps() const { return kernel.h * kernel.w; }
};

/// A QProduct packed for the instruction set that was in use. Products are cut into panels of
/// `width` output channels of a group, depthwise ones into blocks of `width` neighbouring outputs
/// of a row, of which `count` follow each other until they begin with the same channel again.
struct QPacked {
  Isa isa;
  QProduct product;  // without its pointers
  bool simple;
  int64_t width, count;
  int64_t runs, length;  // contiguous runs of input elements under a window, and
                         // their length
  size_t weight_bytes;   // of one panel or block
  AlignedBytes weights,
      lanes;  // lanes: kQArrays arrays of `width` for each panel or block

  QConstants constants(int64_t i) const;
};
inline constexpr int64_t kQArrays = 5;

/// Throws Error if a multiplier is none.
QPacked pack(const QProduct& product);

/// y (batch, out_h, out_w, out_c) from x (batch, in_h, in_w, in_c).
void qconvolve(const WindowGeometry& g, const QPacked& packed, const int8_t* x, int8_t* y);

/// The kernels behind them: products in qproduct.cpp, depthwise ones in qdepthwise.cpp. Packing
/// fills in what depends on the instruction set.
void pack_panels(const QProduct& product, QPacked& packed);
void pack_depthwise(const QProduct& product, QPacked& packed);
void convolve_panels(const WindowGeometry& g, const QPacked& packed, const int8_t* x, int8_t* y);
void convolve_depthwise(const WindowGeometry& g, const QPacked& packed, const int8_t* x, int8_t* y);

/// Memory for weights and lanes of the sizes that are set, all zero.
void allocate(QPacked& packed);

/// Fills one lane of a block's constants from output channel `channel`; `correction` is added to
/// the bias for each unit of its weights.
void set_lane(const QProduct& product, int64_t channel, int32_t correction, QPacked& packed,
              int64_t block, int64_t lane);

}  // namespace tuco::cpu
