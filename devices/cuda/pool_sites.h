// Where the threads of pooling kernels are: a thread has some neighbouring channels of one output,
// or of one input. For .cu files.
#pragma once
#include "tuco/devices/cuda/pool2d_kernels.h"

namespace tuco::cuda {

/// The sizes with Int for indices, and channels counted in packs.
template <class Int>
struct PoolView {
  Int channels;
  WindowAxis<Int> v, h;

  PoolView(const PoolSizes& sizes, int pack)
      : channels(static_cast<Int>(sizes.channels / pack)), v(axis(sizes.v)), h(axis(sizes.h)) {}

 private:
  static WindowAxis<Int> axis(const PoolAxis& a) {
    const auto in = [](int64_t i) { return static_cast<Int>(i); };
    return {in(a.in),       in(a.out),    in(a.kernel), in(a.stride),
            in(a.dilation), in(a.before), in(a.after)};
  }
};

/// Pack `c` of the channels at (i, j) of plane n.
template <class Int>
struct PoolSite {
  Int n, i, j, c;

  __device__ PoolSite(Int index, Int height, Int width, Int channels) {
    c = index % channels, index /= channels;
    j = index % width, index /= width;
    i = index % height, n = index / height;
  }
};

/// Calls visit(index of the pack, pixel) for the cells of a window that lie inside the image, and
/// next_row() behind each row of them.
template <class Int, class Visit, class NextRow>
__device__ void for_each_cell(const PoolView<Int>& view, const PoolSite<Int>& s, const Visit& visit,
                              const NextRow& next_row) {
  const auto rows = view.v.cells(s.i), columns = view.h.cells(s.j);
  for (Int a = rows.begin; a < rows.end; ++a) {
    for (Int b = columns.begin; b < columns.end; ++b) {
      const Int pixel = view.v.input(s.i, a) * view.h.in + view.h.input(s.j, b);
      visit((s.n * view.v.in * view.h.in + pixel) * view.channels + s.c, pixel);
    }
    next_row();
  }
}

/// Calls visit(index of the pack, row, column) for the windows that contain an input.
template <class Int, class Visit>
__device__ void for_each_window(const PoolView<Int>& view, const PoolSite<Int>& s,
                                const Visit& visit) {
  const auto rows = view.v.windows(s.i), columns = view.h.windows(s.j);
  for (Int a = rows.begin; a < rows.end; ++a) {
    if (!view.v.contains(a, s.i)) continue;
    for (Int b = columns.begin; b < columns.end; ++b)
      if (view.h.contains(b, s.j))
        visit(((s.n * view.v.out + a) * view.h.out + b) * view.channels + s.c, a, b);
  }
}

/// Whether 32 bits hold all indices.
inline bool fits_int32(const PoolSizes& sizes) {
  return std::max(sizes.inputs(), sizes.outputs()) <= INT32_MAX;
}

}  // namespace tuco::cuda
