// What the float32 convolution and its gradients have in common, freed of stride, padding and
// direction. A Correlation says which source pixels an output pixel reads and where it is written;
// the forward pass is one, the gradient of the input is one for each residue of the stride, so that
// no product with an inserted zero is ever computed.
#pragma once
#include <cstddef>
#include <vector>

#include "tuco/core/ops/window.h"
#include "tuco/devices/cpu/scratch.h"

namespace tuco::cpu {

/// A source pixel relative to the window's first one, and the kernel cell that weighs it.
struct Tap {
  int64_t h, w, cell;
};

/// out(i, j) = sum over taps of source(origin + step * (i, j) + (tap.h, tap.w)) * weight(tap.cell),
/// where the source is zero outside the image.
struct Correlation {
  int64_t batch, src_h, src_w, src_c, groups;
  int64_t rows, cols;  // outputs of an image
  Hw origin{0}, step;
  Hw reach{0};  // the largest tap
  std::pmr::vector<Tap> taps;
  ptrdiff_t dst_first, dst_pixel, dst_row, dst_image;  // where outputs are written, in values
};

/// y from x; one tap for each kernel cell, in order.
Correlation forward_correlation(const WindowGeometry& g, Scratch& memory);
/// dx from dy: together they write each value once.
std::pmr::vector<Correlation> grad_input_correlations(const WindowGeometry& g, Scratch& memory);

/// Weights (rows of the stored matrix) seen from the output of a correlation: forward, or with the
/// roles of input and output channels exchanged.
struct CorrelationWeights {
  const float* w;
  bool forward;
  int64_t cells, in, out;  // kernel cells; the layer's channels in a group
};

/// How the source's rows lie in memory when a correlation reads them: in place where the windows
/// stay inside the image, else copied to a zero-padded strip.
struct StripLayout {
  /// Each channel is repeated so many times in a strip (depthwise with a multiplier).
  explicit StripLayout(const Correlation& c, int64_t repeat = 1);

  /// Values of the strip for `count` rows of outputs; 0 when in place.
  int64_t size(int64_t count) const;
  /// Output rows whose strip takes about `bytes`, between 1 and the image's.
  int64_t rows_within(int64_t bytes) const;
  /// Where the window of output (row, 0) of image n starts, for rows [row, row + count): fills the
  /// strip, or points into src.
  const float* rows_of(const float* src, int64_t n, int64_t row, int64_t count, float* strip) const;
  /// Offset of a tap from its window's start.
  ptrdiff_t offset(const Tap& tap) const { return tap.h * pitch + tap.w * pixel; }

  const Correlation& c;
  int64_t repeat;
  bool in_place;
  int64_t width;           // pixels in a row
  ptrdiff_t pixel, pitch;  // values from a pixel, and from a row, to the next
};

/// The taps as runs of equal length over contiguous values, for all channels of a group.
struct Runs {
  std::pmr::vector<ptrdiff_t> offsets;
  int64_t length;
};
Runs contiguous_runs(const StripLayout& layout, Scratch& memory);

}  // namespace tuco::cpu
