#include "tuco/core/layout.h"

#include <algorithm>

namespace tuco {

bool Layout::is_contiguous() const {
  for (const int64_t size : shape)
    if (size == 0) return true;
  int64_t expected = 1;
  for (int i = shape.rank() - 1; i >= 0; --i) {
    if (shape[i] != 1 && strides[i] != expected) return false;
    expected *= shape[i];
  }
  return true;
}

Layout Layout::slice(int dim, int64_t start, int64_t stop, int64_t step) const {
  Layout view = *this;
  // A step beyond the end takes the first index alone, however long it is.
  step = std::min(step, std::max<int64_t>(1, shape[dim]));
  view.offset += start * strides[dim];
  view.shape[dim] = stop > start ? (stop - start - 1) / step + 1 : 0;
  view.strides[dim] *= step;
  return view;
}

Layout Layout::permute(std::span<const int> order) const {
  Layout view = *this;
  for (int i = 0; i < shape.rank(); ++i) {
    view.shape[i] = shape[order[i]];
    view.strides[i] = strides[order[i]];
  }
  return view;
}

Layout Layout::expand(const Shape& to) const {
  Layout view(to, Strides::filled(to.rank(), 0), offset);
  const int lead = to.rank() - shape.rank();
  for (int i = 0; i < shape.rank(); ++i)
    view.strides[lead + i] = shape[i] == 1 && to[lead + i] != 1 ? 0 : strides[i];
  return view;
}

std::optional<Layout> Layout::reshape(const Shape& to) const {
  if (is_contiguous()) return Layout(to, dense_strides(to), offset);
  // Where a dimension of size 1 lies does not matter.
  Layout old(Shape(), Strides(), offset);
  for (int i = 0; i < shape.rank(); ++i)
    if (shape[i] != 1) {
      old.shape.push_back(shape[i]);
      old.strides.push_back(strides[i]);
    }
  // Match groups of old and new dimensions of equal product; within a group the old ones must lie
  // dense relative to each other.
  Layout view(to, dense_strides(to), offset);
  int from = 0, into = 0;
  while (from < old.shape.rank() && into < to.rank()) {
    int64_t old_size = old.shape[from], new_size = to[into];
    const int from_first = from, into_first = into;
    while (old_size != new_size) {
      if (old_size < new_size)
        old_size *= old.shape[++from];
      else
        new_size *= to[++into];
    }
    for (int i = from_first; i < from; ++i)
      if (old.strides[i] != old.strides[i + 1] * old.shape[i + 1]) return std::nullopt;
    int64_t stride = old.strides[from];
    for (int i = into; i >= into_first; --i) {
      view.strides[i] = stride;
      stride *= to[i];
    }
    ++from, ++into;
  }
  return view;
}

}  // namespace tuco
