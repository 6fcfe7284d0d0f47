#include "tuco/deploy/engine/by_image.h"

#include <algorithm>
#include <array>

#include "tuco/deploy/cost.h"
#include "tuco/deploy/run_graph.h"

namespace tuco::deploy {
namespace {

/// From so many bytes around an op on, several images leave the second-level cache of today's
/// cores (1 to 2 MB), and an image's layers are large enough for several threads.
constexpr int64_t kLargeImage = 512 << 10;

/// Ops that treat the images of a batch, their first input's first dimension, one by one.
using ApartList =
    op::TypeList<op::Conv2d, op::FusedConv2d, op::MaxPool2d, op::AvgPool2d, op::ResizeNearest,
                 op::QConv2d, op::QConv2dAdd, op::QMaxPool2d, op::QAvgPool2d, op::QLookup,
                 op::QuantizeLinear, op::DequantizeLinear>;
/// Those that do if the last dimension is not the batch.
using RowList = op::TypeList<op::Linear, op::FusedLinear, op::Softmax, op::LogSoftmax, op::QLinear,
                             op::QSoftmax>;
using ReductionList = op::TypeList<op::Sum, op::Mean, op::Max, op::ArgMax, op::QMean>;

template <class Op>
constexpr bool kPointwise =
    op::Unary<Op> || op::Binary<Op> || op::Compare<Op> ||
    op::in_list<
        Op, op::TypeList<op::Where, op::Cast, op::Copy, op::QAdd, op::QSub, op::QMul, op::QPRelu>>;

template <class Op>
bool is_apart(const Op& op, const std::vector<Shape>& in) {
  if constexpr (op::in_list<Op, RowList>)
    return in[0].rank() > 1;
  else if constexpr (op::in_list<Op, ReductionList>)
    return std::ranges::find(op.dims, 0) == op.dims.end();
  else if constexpr (std::is_same_v<Op, op::Concat> || std::is_same_v<Op, op::Slice>)
    return op.dim != 0;
  else if constexpr (std::is_same_v<Op, op::Permute>)
    return op.order.rank() > 0 && op.order[0] == 0;
  else if constexpr (std::is_same_v<Op, op::Pad>)
    return op.before[0] == 0 && op.after[0] == 0;
  else
    // A reshape keeps the order of elements: with the batch in front on both sides, images stay.
    return op::in_list<Op, ApartList> || kPointwise<Op> || std::is_same_v<Op, op::Reshape>;
}

}  // namespace

bool keeps_images_apart(const Graph& graph) {
  // A run of one image would leave its state to the next image.
  if (!graph.states.empty()) return false;
  constexpr std::array<int64_t, 2> kBatches{2, 3};
  std::array<std::vector<Shape>, 2> shapes;
  for (size_t i = 0; i < 2; ++i) shapes[i] = infer_shapes(graph, kBatches[i]);
  const auto is_batch = [&](int v) {
    for (size_t i = 0; i < 2; ++i)
      if (shapes[i][v].rank() == 0 || shapes[i][v][0] != kBatches[i]) return false;
    return true;
  };
  if (!std::ranges::all_of(graph.inputs, is_batch) || !std::ranges::all_of(graph.outputs, is_batch))
    return false;
  // A constant that is broadcast has no dimension for the images, or one of size 1.
  const auto is_shared = [&](int v, int64_t rank) {
    const Shape& shape = shapes[0][v];
    return shape.rank() < rank || shape[0] == 1;
  };
  for (const Graph::Node& node : graph.nodes) {
    const bool pointwise = std::visit([]<class Op>(const Op&) { return kPointwise<Op>; }, node.op);
    const int64_t rank = shapes[0][node.outputs[0]].rank();
    std::vector<Shape> in;
    bool fits = std::ranges::all_of(node.outputs, is_batch);
    for (const int v : node.inputs) {
      in.push_back(shapes[0][v]);
      const bool constant = graph.values[v].constant.defined();
      // Constants come after the images, but in point-wise ops, where they stand anywhere, and
      // where the images' dimensions must not be matched with others.
      const bool same_rank = !pointwise || in.back().rank() == rank;
      fits = fits && (constant ? !pointwise || is_shared(v, rank) : is_batch(v) && same_rank);
    }
    fits = fits && !in.empty() && (pointwise || is_batch(node.inputs[0]));
    if (!fits || !std::visit([&](const auto& op) { return is_apart(op, in); }, node.op))
      return false;
  }
  return true;
}

bool is_faster_by_image(const Graph& graph) {
  int64_t activations = 0, constants = 0, largest = 0;
  for (const Graph::Node& node : graph.nodes) {
    const NodeCost cost = cost_of(graph, node);
    activations += cost.activation_bytes;
    constants += cost.constant_bytes;
    largest = std::max(largest, cost.activation_bytes);
  }
  return largest >= kLargeImage && activations > constants;
}

}  // namespace tuco::deploy
