// What the int8 ops of two operands share: operands that broadcast, and constant ones.
#pragma once
#include "tuco/core/layout.h"
#include "tuco/deploy/rules.h"

namespace tuco::deploy {

/// How two operands lie within one image: the result's sizes, neighbours merged where both operands
/// go along, and how far each operand moves in its memory along them, 0 where it stands still.
struct Broadcast {
  static constexpr size_t kMaxRank = 4;
  std::vector<int64_t> size, a_step, b_step;
  /// Whether the operands are as large as the result.
  bool is_flat() const { return size.size() == 1 && a_step[0] == 1 && b_step[0] == 1; }
};

/// Throws UnsupportedOp naming `op` unless the operands broadcast image by image: constants have no
/// batch, or one of 1, all others have it in front.
Broadcast broadcast_of(std::string_view op, const Graph::Value& a, const Graph::Value& b);

/// Calls f(i, j, k) with the places of the operands' elements that make element k of the output.
template <class F>
void for_each_pair(const Tensor& a, const Tensor& b, const Tensor& out, F&& f) {
  const Shape& shape = out.shape();
  const Layout x = a.layout().expand(shape), z = b.layout().expand(shape);
  for (int64_t k = 0; k < out.numel(); ++k) {
    int64_t i = 0, j = 0, rest = k;
    for (int d = shape.rank() - 1; d >= 0; rest /= shape[d--]) {
      i += rest % shape[d] * x.strides[d];
      j += rest % shape[d] * z.strides[d];
    }
    f(i, j, k);
  }
}

/// Adds a tuco_broadcast.
Argument broadcast_structure(Program& program, const Broadcast& broadcast);

}  // namespace tuco::deploy
