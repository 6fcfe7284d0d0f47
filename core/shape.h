// Shape: the sizes of a tensor, outermost first, held inline (no allocation). Strides are the same
// type, counted in elements. Images are (batch, height, width, channels) everywhere in Tuco.
#pragma once
#include <fmt/core.h>

#include <array>
#include <cassert>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>

namespace tuco {

/// The largest number of dimensions that a tensor can have.
inline constexpr int kMaxRank = 8;
/// The most elements that a tensor can have, sizes of 0 left out.
inline constexpr int64_t kMaxElements = int64_t{1} << 48;

/// Up to kMaxRank sizes, outermost first; an empty one is a scalar's.
class Shape {
 public:
  Shape() = default;
  /// Throws ShapeError if there are more than kMaxRank sizes.
  Shape(std::initializer_list<int64_t> sizes)
      : Shape(std::span<const int64_t>(sizes.begin(), sizes.size())) {}
  /// As above, from a range.
  explicit Shape(std::span<const int64_t> sizes);
  /// `rank` times the same size.
  static Shape filled(int rank, int64_t size);

  /// The number of dimensions.
  int rank() const { return rank_; }
  /// Size of dimension `i`, which must be in [0, rank).
  int64_t operator[](int i) const {
    assert(i >= 0 && i < rank_);
    return sizes_[i];
  }
  int64_t& operator[](int i) {
    assert(i >= 0 && i < rank_);
    return sizes_[i];
  }
  /// The last size; the rank must not be 0.
  int64_t back() const { return (*this)[rank_ - 1]; }
  /// The product of all sizes: 1 for a scalar. Throws ShapeError where it is beyond int64.
  int64_t numel() const;
  /// Appends a dimension; throws ShapeError beyond kMaxRank.
  void push_back(int64_t size);

  const int64_t* begin() const { return sizes_.data(); }
  const int64_t* end() const { return sizes_.data() + rank_; }
  int64_t* begin() { return sizes_.data(); }
  int64_t* end() { return sizes_.data() + rank_; }

  friend bool operator==(const Shape& a, const Shape& b) {
    return a.rank_ == b.rank_ && std::equal(a.begin(), a.end(), b.begin());
  }
  /// As in Python: "(2, 3)", "(4,)", "()".
  std::string to_string() const;

 private:
  std::array<int64_t, kMaxRank> sizes_{};
  int rank_ = 0;
};

/// Steps between neighbours along each dimension, in elements; 0 where broadcast.
using Strides = Shape;

/// `dim` counted from the front; negative ones count from the back, as in NumPy. Throws ShapeError
/// naming `op` when it is out of range.
int normalize_dim(std::string_view op, int dim, int rank);

/// The shape that both broadcast to by NumPy's rules. Throws ShapeError naming `op`.
Shape broadcast(std::string_view op, const Shape& a, const Shape& b);

/// Whether `from` broadcasts to exactly `to`.
bool broadcasts_to(const Shape& from, const Shape& to);

/// Strides of a dense row-major tensor.
Strides dense_strides(const Shape& shape);

}  // namespace tuco

template <>
struct fmt::formatter<tuco::Shape> : fmt::formatter<std::string_view> {
  template <class Context>
  auto format(const tuco::Shape& shape, Context& context) const {
    return fmt::formatter<std::string_view>::format(shape.to_string(), context);
  }
};
