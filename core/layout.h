// Layout: how the elements of a tensor lie in its storage: shape, strides and offset. Views are new
// layouts over the same bytes, and every one of them is computed here, without touching data.
#pragma once
#include <optional>

#include "tuco/core/shape.h"

namespace tuco {

/// Shape, strides and offset, the latter two in elements. A plain value.
struct Layout {
  Shape shape;
  Strides strides;
  int64_t offset = 0;

  Layout() = default;
  /// Dense, row-major, from the start of the storage.
  explicit Layout(const Shape& dense) : shape(dense), strides(dense_strides(dense)) {}
  Layout(const Shape& s, const Strides& st, int64_t off) : shape(s), strides(st), offset(off) {}

  /// Whether the elements lie dense and row-major (dimensions of size 1 do not matter).
  bool is_contiguous() const;

  /// Every `step`-th index from `start` to before `stop` of dimension `dim`; all in range.
  Layout slice(int dim, int64_t start, int64_t stop, int64_t step) const;
  /// Dimension i of the result is dimension order[i] of this.
  Layout permute(std::span<const int> order) const;
  /// Broadcast to `to` with strides of 0; `shape` must broadcast to it.
  Layout expand(const Shape& to) const;
  /// The same elements under another shape, or nothing where that needs a copy.
  std::optional<Layout> reshape(const Shape& to) const;
};

/// Visits a common shape of several layouts in row-major order, as runs along the innermost
/// dimension: body(offsets, length), where offsets[i] is where the run starts in layout i. The
/// innermost strides are layouts[i].strides.back() (rank 0 is one run of length 1).
template <int N, class Body>
void for_each_run(const std::array<Layout, N>& layouts, int64_t begin_run, int64_t end_run,
                  Body&& body) {
  const Shape& shape = layouts[0].shape;
  const int outer = shape.rank() - 1;
  const int64_t length = outer < 0 ? 1 : shape.back();
  for (int64_t run = begin_run; run < end_run; ++run) {
    std::array<int64_t, N> offsets;
    for (int i = 0; i < N; ++i) offsets[i] = layouts[i].offset;
    int64_t rest = run;
    for (int d = outer - 1; d >= 0; --d) {
      const int64_t index = rest % shape[d];
      rest /= shape[d];
      for (int i = 0; i < N; ++i) offsets[i] += index * layouts[i].strides[d];
    }
    body(offsets, length);
  }
}

/// How many runs for_each_run visits in all.
inline int64_t count_runs(const Shape& shape) {
  if (shape.rank() == 0) return 1;
  return shape.back() == 0 ? 0 : shape.numel() / shape.back();
}

}  // namespace tuco
