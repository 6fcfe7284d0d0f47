#include "tuco/core/layout.h"

namespace tuco {

bool Layout::is_contiguous() const {
  int64_t expected = 1;
  for (int i = shape.rank() - 1; i >= 0; --i) {
    if (shape[i] == 0) return true;
    if (shape[i] != 1 && strides[i] != expected) return false;
    expected *= shape[i];
  }
  return true;
}

Layout Layout::slice(int dim, int64_t start, int64_t stop, int64_t step) const {
  Layout view = *this;
  view.offset += start * strides[dim];
  view.shape[dim] = stop > start ? (stop - start + step - 1) / step : 0;
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
  // Match groups of old and new dimensions of equal product; within a group the old ones must lie
  // dense relative to each other.
  Layout view(to, dense_strides(to), offset);
  int from = 0, into = 0;
  while (from < shape.rank() && into < to.rank()) {
    int64_t old_size = shape[from], new_size = to[into];
    const int from_first = from, into_first = into;
    while (old_size != new_size) {
      if (old_size < new_size)
        old_size *= shape[++from];
      else
        new_size *= to[++into];
    }
    for (int i = from_first; i < from; ++i)
      if (strides[i] != strides[i + 1] * shape[i + 1]) return std::nullopt;
    int64_t stride = strides[from];
    for (int i = into; i >= into_first; --i) {
      view.strides[i] = stride;
      stride *= to[i];
    }
    ++from, ++into;
  }
  return view;
}

}  // namespace tuco
