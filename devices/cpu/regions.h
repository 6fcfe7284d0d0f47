// The outputs of a correlation, grouped by which taps lie inside the image for them. A kernel that
// leaves out the others reads images in place, without a border of zeros around a copy.
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

#include "tuco/devices/cpu/correlation.h"

namespace tuco::cpu {

/// Outputs [row, row + rows) x [col, col + cols) and their taps, which are a rectangle of the
/// correlation's, from number `tap` on; none where the window lies outside. The first tap of output
/// (row, col) reads `start` values behind the image's first.
struct Region {
  int64_t row, rows, col, cols;
  int64_t tap, tap_rows, tap_cols;
  ptrdiff_t start;
};

/// All outputs of an image, once each, and how the correlation's taps lie: so many in a row, and so
/// many values from one to the next along a row and a column.
struct Regions {
  std::pmr::vector<Region> list;
  int64_t taps_in_row;
  ptrdiff_t tap_pixel, tap_pitch;
};

/// The regions of images whose pixels lie one after another.
Regions image_regions(const Correlation& c, Scratch& memory);

/// One region, for a source that has its border: the window of output (0, 0) starts at its first
/// value; `pixel` and `pitch` are the values from a pixel, and from a row, to the next.
Regions bordered_region(const Correlation& c, ptrdiff_t pixel, ptrdiff_t pitch, Scratch& memory);

}  // namespace tuco::cpu
