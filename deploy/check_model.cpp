#include "tuco/deploy/check_model.h"

#include <cmath>
#include <cstdlib>

#include "tuco/core/error.h"
#include "tuco/deploy/ops/broadcast.h"
#include "tuco/deploy/ops/chain.h"
#include "tuco/deploy/ops/lstm.h"
#include "tuco/deploy/rules.h"

namespace tuco::deploy {
namespace {

/// What the sums of 32 bits hold, and the most that an input is from its zero point.
constexpr int64_t kMaxSum = (int64_t{1} << 31) - 1;
constexpr int64_t kMaxInput = 255;

/// An activation, or a constant beside one.
void check_integers(const Graph::Value& value) {
  const auto& shape = value.meta.shape;
  require<FormatError>(value.quantization && value.meta.dtype == DType::int8 &&
                           value.quantization->scale.size() == 1 &&
                           std::abs(int64_t{value.quantization->zero_point[0]} * 2 + 1) <= 255,
                       "value \"{}\" is not int8 with one scale and a zero point in its range",
                       value.name);
  require<FormatError>((shape.rank() > 0 || value.constant.defined()) && shape.numel() > 0,
                       "value \"{}\" of shape {} is empty", value.name, shape);
}

/// What lives from run to run: as above, or int16 around 0.
void check_state(const Graph::Value& value) {
  if (value.meta.dtype != DType::int16) return check_integers(value);
  require<FormatError>(value.quantization && value.quantization->scale.size() == 1 &&
                           value.quantization->zero_point[0] == 0 && value.meta.shape.numel() > 0,
                       "value \"{}\" of int16 has not one scale, and zero point 0", value.name);
}

/// Ops that take constants of int8 beside activations.
template <class Op>
constexpr bool kTakesConstants = op::in_list<
    Op, op::TypeList<op::Add, op::Sub, op::Mul, op::PRelu, op::Maximum, op::Minimum, op::Concat>>;

class Checker {
 public:
  Checker(const Graph& graph, const Graph::Node& node) : graph_(graph), node_(node) {}

  template <class Op>
  void check(const Op& op) const {
    if constexpr (not_quantizable<Op> != nullptr) {
      fail<UnsupportedOp>("{}: {}", name(node_.op), not_quantizable<Op>);
    } else if constexpr (std::is_same_v<Op, op::Lstm>) {
      for (const LstmInput i : {kLstmX, kLstmHidden}) check_integers(input(i));
      check_state(input(kLstmCell));
      for (const int v : node_.outputs) check_state(graph_.values[v]);
      check_lstm(op, {graph_, node_, Rounding::kDouble});
    } else {
      require<FormatError>(node_.outputs.size() == 1, "{} has {} results, expected one",
                           name(node_.op), node_.outputs.size());
      check_integers(output());
      const bool weighted = std::is_same_v<Op, op::Conv2d> || std::is_same_v<Op, op::Linear>;
      const size_t activations = weighted ? 1 : node_.inputs.size();
      for (size_t i = 0; i < activations; ++i) {
        require<UnsupportedOp>(kTakesConstants<Op> || !input(i).constant.defined(),
                               "{}: a constant input has no int8 kernel", name(node_.op));
        check_integers(input(i));
      }
      require<FormatError>(!node_.activation || takes_activation(node_.op),
                           "{} cannot have an activation in it", name(node_.op));
      check_op(op);
    }
  }

 private:
  const Graph::Value& input(size_t i) const { return graph_.values[node_.inputs.at(i)]; }
  const Graph::Value& output() const { return graph_.values[node_.outputs.at(0)]; }

  /// Weight and bias of an op with an output channel for each index of the weight's first
  /// dimension.
  void check_weights() const {
    const Graph::Value& weight = input(1);
    require<FormatError>(weight.constant.defined() && weight.meta.dtype == DType::int8 &&
                             weight.meta.shape.numel() > 0,
                         "{}: the weight is not a constant of int8", name(node_.op));
    const int64_t channels = weight.meta.shape[0];
    require<FormatError>(
        weight.quantization && weight.quantization->axis == 0 &&
            static_cast<int64_t>(weight.quantization->scale.size()) == channels &&
            std::ranges::all_of(weight.quantization->zero_point, [](int z) { return z == 0; }),
        "{}: the weight has not one scale, and zero point 0, for each of {} channels",
        name(node_.op), channels);
    std::vector<int32_t> biases(channels, 0);
    if (node_.inputs.size() > 2) {
      const Graph::Value& bias = input(2);
      require<FormatError>(bias.constant.defined() && bias.meta.dtype == DType::int32 &&
                               bias.meta.shape == Shape{channels},
                           "{}: the bias is not a constant of {} int32", name(node_.op), channels);
      biases = bias.constant.to_vector<int32_t>();
    }
    const auto weights = weight.constant.to_vector<int8_t>();
    const auto each = static_cast<int64_t>(weights.size()) / channels;
    for (int64_t c = 0; c < channels; ++c) {
      int64_t sum = std::abs(int64_t{biases[c]});
      for (int64_t i = 0; i < each; ++i)
        sum += kMaxInput * std::abs(int64_t{weights[c * each + i]});
      require<FormatError>(sum <= kMaxSum, "{}: sums of channel {} may overflow 32 bits",
                           name(node_.op), c);
    }
  }
  /// The op moves integers as they are.
  void check_same_scale() const {
    for (size_t i = 0; i < node_.inputs.size(); ++i)
      require<FormatError>(*input(i).quantization == *output().quantization,
                           "{}: input {} has another scale than the output", name(node_.op), i);
  }
  void check_scale(const Quantization& wanted) const {
    require<FormatError>(*output().quantization == wanted, "{}: the output's scale must be {}",
                         name(node_.op), wanted.scale[0]);
  }

  void check_op(const op::Conv2d&) const { check_weights(); }
  void check_op(const op::Linear&) const { check_weights(); }
  void check_operands() const { broadcast_of(name(node_.op), input(0), input(1)); }
  void check_op(const op::Add&) const { check_operands(); }
  void check_op(const op::Sub&) const { check_operands(); }
  void check_op(const op::Mul&) const { check_operands(); }
  void check_op(const op::PRelu&) const { check_operands(); }
  void check_op(const op::Maximum&) const {
    check_operands();
    check_same_scale();
  }
  void check_op(const op::Minimum&) const {
    check_operands();
    check_same_scale();
  }
  void check_reduction(const op::ReduceDims& op) const {
    require<UnsupportedOp>(op.dims.rank() > 0 && op.dims[0] > 0, "{}: over the batch",
                           name(node_.op));
    require<UnsupportedOp>(
        input(0).meta.shape.numel() / output().meta.shape.numel() <= kMaxSum / kMaxInput,
        "{}: of too many values for 32 bits", name(node_.op));
  }
  void check_op(const op::Mean& op) const { check_reduction(op); }
  void check_op(const op::Sum& op) const { check_reduction(op); }
  void check_op(const op::MaxPool2d&) const { check_same_scale(); }
  void check_op(const op::AvgPool2d&) const { check_same_scale(); }
  void check_op(const op::Reshape& op) const {
    require<UnsupportedOp>(op.shape.rank() > 0 && op.shape[0] == -1,
                           "reshape: to {} does not keep the batch first", op.shape);
    check_same_scale();
  }
  void check_op(const op::Concat& op) const {
    require<UnsupportedOp>(op.dim > 0, "concat: along the batch");
    check_same_scale();
  }
  void check_op(const op::Pad& op) const {
    require<UnsupportedOp>(op.before.rank() == 4 && op.before[0] == 0 && op.after[0] == 0,
                           "pad: by {} and {} has no int8 kernel", op.before, op.after);
    check_same_scale();
  }
  void check_op(const op::Slice& op) const {
    require<UnsupportedOp>(op.dim > 0, "slice: of the batch");
    check_same_scale();
  }
  void check_op(const op::Permute& op) const {
    require<UnsupportedOp>(op.order.rank() > 0 && op.order[0] == 0, "permute: of the batch");
    check_same_scale();
  }
  void check_op(const op::Copy&) const { check_same_scale(); }
  void check_op(const op::ResizeNearest&) const { check_same_scale(); }
  void check_op(const op::Softmax&) const { check_scale({{1.0f / 256}, {-128}, -1}); }
  void check_op(const op::Sigmoid&) const { check_scale({{1.0f / 256}, {-128}, -1}); }
  void check_op(const op::Tanh&) const { check_scale({{1.0f / 128}, {0}, -1}); }
  void check_op(const op::Relu&) const {}
  void check_op(const op::LeakyRelu& op) const {
    require<FormatError>(std::isfinite(op.slope), "leaky_relu: slope {}", op.slope);
  }
  void check_op(const op::Elu&) const {}
  void check_op(const op::Abs&) const {}
  void check_op(const op::Exp&) const {}
  void check_op(const op::Log&) const {}
  void check_op(const op::Sqrt&) const {}
  template <class Op>
  void check_chain(const Op& op) const {
    const auto chain = chain_of(op, *input(0).quantization, *output().quantization);
    if (!chain) return;
    for (const Graph::Node& node : chain->nodes) check_node(*chain, node);
  }
  void check_op(const op::Affine& op) const { check_chain(op); }
  void check_op(const op::Power& op) const {
    require<FormatError>(std::isfinite(op.exponent), "pow: exponent {}", op.exponent);
    check_chain(op);
    if (op.exponent != -0.5) return;
    const float from = input(0).quantization->scale[0], to = output().quantization->scale[0];
    const double factor = rsqrt_factor(from, to);
    require<UnsupportedOp>(factor > 0x1p-11 && factor < 0x1p30,
                           "pow: 1 / sqrt of scale {} to scale {}, with a factor of {}, expected "
                           "2^-11 to 2^30",
                           from, to, factor);
  }
  void check_op(const op::HardSwish&) const {
    const float from = input(0).quantization->scale[0], to = output().quantization->scale[0];
    require<UnsupportedOp>(from < 0x1p24f, "hard_swish: the input's scale {} is above 2^24", from);
    require<UnsupportedOp>(to > from / 128,
                           "hard_swish: the output's scale {} is below a 128th of the input's, {}",
                           to, from);
  }
  void check_op(const op::Clamp& op) const {
    require<FormatError>(op.low <= op.high, "clamp: from {} to {}", op.low, op.high);
  }

  const Graph& graph_;
  const Graph::Node& node_;
};

}  // namespace

void check_node(const Graph& graph, const Graph::Node& node) {
  std::visit([&](const auto& op) { Checker(graph, node).check(op); }, node.op);
}

void check_model(const QuantizedModel& model) {
  const Graph& graph = model.graph;
  for (const int v : graph.inputs) check_integers(graph.values[v]);
  for (const Graph::State& state : graph.states)
    for (const int v : {state.initial, state.before, state.after}) check_state(graph.values[v]);
  for (const Graph::Node& node : graph.nodes) check_node(graph, node);
  for (const int v : graph.outputs) check_integers(graph.values[v]);
}

}  // namespace tuco::deploy
