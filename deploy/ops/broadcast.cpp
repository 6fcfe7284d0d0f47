#include "tuco/deploy/ops/broadcast.h"

#include "tuco/core/error.h"
#include "tuco/deploy/ops/emit.h"

namespace tuco::deploy {
namespace {

/// The sizes of one image of a tensor that broadcasts to `rank` dimensions.
std::vector<int64_t> image_sizes(const Graph::Value& value, int rank) {
  const Shape& shape = value.meta.shape;
  std::vector<int64_t> sizes(rank - 1, 1);
  for (int i = 0; i < shape.rank(); ++i)
    if (const int d = rank - shape.rank() + i; d > 0) sizes[d - 1] = shape[i];
  return sizes;
}

/// Steps along merged dimensions of a tensor that moves along some of them.
std::vector<int64_t> steps_of(const std::vector<int64_t>& sizes, const std::vector<bool>& moves) {
  std::vector<int64_t> steps(sizes.size(), 0);
  int64_t step = 1;
  for (size_t d = sizes.size(); d-- > 0;)
    if (moves[d]) {
      steps[d] = step;
      step *= sizes[d];
    }
  return steps;
}

}  // namespace

Broadcast broadcast_of(std::string_view op, const Graph::Value& a, const Graph::Value& b) {
  const Shape &x = a.meta.shape, &z = b.meta.shape;
  const int rank = std::max(x.rank(), z.rank());
  const auto fits = [&](const Graph::Value& value) {
    const Shape& shape = value.meta.shape;
    return value.constant.defined() ? shape.rank() < rank || shape[0] == 1 : shape.rank() == rank;
  };
  const bool constant = a.constant.defined() || b.constant.defined();
  require<UnsupportedOp>(rank > 0 && fits(a) && fits(b) && (constant || x[0] == z[0]),
                         "{}: no int8 kernel broadcasts {} and {} image by image", op, x, z);

  const auto first = image_sizes(a, rank), second = image_sizes(b, rank);
  Broadcast result;
  std::vector<bool> a_moves, b_moves;
  for (size_t d = 0; d < first.size(); ++d) {
    const int64_t size = std::max(first[d], second[d]);
    if (size == 1) continue;
    const bool moves[] = {first[d] == size, second[d] == size};
    if (!result.size.empty() && a_moves.back() == moves[0] && b_moves.back() == moves[1]) {
      result.size.back() *= size;
    } else {
      result.size.push_back(size);
      a_moves.push_back(moves[0]);
      b_moves.push_back(moves[1]);
    }
  }
  if (result.size.empty()) {
    result.size = {1};
    a_moves = b_moves = {true};
  }
  require<UnsupportedOp>(result.size.size() <= Broadcast::kMaxRank,
                         "{}: no int8 kernel broadcasts {} and {}, which change {} times", op, x, z,
                         result.size.size() - 1);
  result.a_step = steps_of(result.size, a_moves);
  result.b_step = steps_of(result.size, b_moves);
  return result;
}

Argument broadcast_structure(Program& program, const Broadcast& broadcast) {
  const auto list = [](std::vector<int64_t> values, int64_t fill) {
    values.insert(values.begin(), Broadcast::kMaxRank - values.size(), fill);
    return Member::int32s(values);
  };
  return program.structure(
      "tuco_broadcast", "broadcast",
      {list(broadcast.size, 1), list(broadcast.a_step, 0), list(broadcast.b_step, 0)});
}

}  // namespace tuco::deploy
