// The operands of the register tiles (tile-inl.h), of which all float32 products and convolutions
// are made, and how the columns of a product are cut into panels.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <vector>

#include "tuco/devices/cpu/epilogue.h"

namespace tuco::cpu {

/// Memory that a tile lets be fetched while it computes, for later ones: the cache lines at
/// at + i * step + r * row for r < rows, when it has done 16 i steps, fewer than `until`. So they
/// come a few at a time: in a burst, they would use up the misses that a core can have under way.
struct Ahead {
  const float* at = nullptr;
  ptrdiff_t row = 0, step = 16;
  int64_t rows = 0, until = 0;
};

/// c[r][j] = sum over i < runs, k < length of
///           a[r * a_row + offsets[i] + k] * b[(i * length + k) * width + j],
/// or that added to c where `accumulate` says so, through the epilogue of this part of c. The bias
/// is not used together with `accumulate`. Here width is the panel's: so many columns b has,
/// padded; of c only the columns of the panel are touched. One run is a matrix product; one run a
/// kernel row is a convolution along a row.
struct TileOperands {
  const float* a;
  ptrdiff_t a_row;
  const ptrdiff_t* offsets;
  int64_t runs, length;
  const float* b;
  float* c;
  ptrdiff_t c_row;
  int64_t last;  // columns in the panel's last vector
  bool accumulate = false;
  Epilogue<float> epilogue = {};
  Ahead next_a = {}, next_b = {}, next_c = {};  // a and b into L2, c into L1
};

/// c[r][j] += sum over i < runs, k < length of
///            a[offsets[i] + k * a_step + r] * b[i * b_run + k * b_step + j],
/// or = where it does not accumulate, for all columns of the panel: weight gradients, where k
/// counts pixels.
struct TransposedOperands {
  const float* a;
  ptrdiff_t a_step;
  const ptrdiff_t* offsets;
  int64_t runs, length;
  const float* b;
  ptrdiff_t b_step, b_run;
  float* c;  // aligned rows of the panel's width
  ptrdiff_t c_row;
  bool accumulate = true;
};

/// How the columns of a product are cut.
struct Panel;
using Panels = std::pmr::vector<Panel>;

/// Some neighbouring columns of a product, whose packed operand is [depth][width], zero-padded.
struct Panel {
  int64_t first, columns;  // which columns
  int64_t vectors, width;  // width = vectors * lanes >= columns
  int64_t rows;            // the best height of a tile
  int64_t offset;          // of its data in the packed operand, in units of depth
};

}  // namespace tuco::cpu
