#include "tuco/core/shape.h"

#include "tuco/core/error.h"

namespace tuco {

Shape::Shape(std::span<const int64_t> sizes) {
  for (const int64_t size : sizes) push_back(size);
}

Shape Shape::filled(int rank, int64_t size) {
  Shape shape;
  for (int i = 0; i < rank; ++i) shape.push_back(size);
  return shape;
}

int64_t Shape::numel() const {
  int64_t product = 1;
  bool overflows = false;
  for (const int64_t size : *this) {
    if (size == 0) return 0;
    overflows |= __builtin_mul_overflow(product, size, &product);
  }
  require<ShapeError>(!overflows, "{} has more elements than can be counted", *this);
  return product;
}

void Shape::push_back(int64_t size) {
  require<ShapeError>(rank_ < kMaxRank, "a tensor has at most {} dimensions", kMaxRank);
  sizes_[rank_++] = size;
}

std::string Shape::to_string() const {
  std::string text = "(";
  for (int i = 0; i < rank_; ++i) text += fmt::format("{}{}", i ? ", " : "", sizes_[i]);
  return text + (rank_ == 1 ? ",)" : ")");
}

int normalize_dim(std::string_view op, int dim, int rank) {
  require<ShapeError>(dim >= -rank && dim < rank, "{}: dimension {} of a tensor of rank {}", op,
                      dim, rank);
  return dim < 0 ? dim + rank : dim;
}

Shape broadcast(std::string_view op, const Shape& a, const Shape& b) {
  const int rank = std::max(a.rank(), b.rank());
  Shape result = Shape::filled(rank, 1);
  for (int i = 0; i < rank; ++i) {
    const int64_t x = i < rank - a.rank() ? 1 : a[i - (rank - a.rank())];
    const int64_t y = i < rank - b.rank() ? 1 : b[i - (rank - b.rank())];
    require<ShapeError>(x == y || x == 1 || y == 1, "{}: shapes {} and {} do not broadcast", op, a,
                        b);
    result[i] = x == 1 ? y : x;
  }
  return result;
}

bool broadcasts_to(const Shape& from, const Shape& to) {
  const int lead = to.rank() - from.rank();
  if (lead < 0) return false;
  for (int i = 0; i < from.rank(); ++i)
    if (from[i] != 1 && from[i] != to[lead + i]) return false;
  return true;
}

Strides dense_strides(const Shape& shape) {
  Strides strides = Shape::filled(shape.rank(), 1);
  for (int i = shape.rank() - 2; i >= 0; --i) strides[i] = strides[i + 1] * shape[i + 1];
  return strides;
}

}  // namespace tuco
