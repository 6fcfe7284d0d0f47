// What deploy knows of each op, as overloads of four names, or a reason in not_quantizable:
//   quantize   gives the outputs their scales and turns constants into integers
//   interpret  computes the op on int8 tensors, naively: the oracle for everything faster
//   emit       adds the call of the runtime's kernel to a device's program
//   lower      gives the op with which a host computes the same bytes (core/ops/quantized.h)
// The definitions are in deploy/ops/; the dispatchers do not compile while one is missing.
#pragma once
#include "tuco/core/backend.h"
#include "tuco/deploy/program.h"
#include "tuco/deploy/quantize.h"

namespace tuco::deploy {

/// The state of a quantization under way, for the `quantize` rules.
class Quantizer {
 public:
  Quantizer(Graph& graph, std::vector<Range> ranges) : graph_(graph), ranges_(std::move(ranges)) {}

  Graph& graph() { return graph_; }
  Graph::Value& value(int number) { return graph_.values[number]; }
  /// The scale and zero point of a value, which must have been set.
  const Quantization& quantization(int value) const { return *graph_.values[value].quantization; }
  /// Gives an activation the scale that covers its calibrated range.
  void calibrated(int value);
  /// Gives an activation a scale and zero point, and the type of its integers.
  void fixed(int value, const Quantization& quantization, DType dtype = DType::int8);
  /// Gives `output` the scale of `input`.
  void like(int output, int input) { fixed(output, quantization(input)); }
  /// Gives the output of a node that only moves and chooses integers the scale that its inputs
  /// share, in which constants are made integers. Throws UnsupportedOp where the scales differ.
  void joined(Graph::Node& node);
  /// Replaces the node's constant inputs by int8, each in the scale that covers its numbers.
  void constants(Graph::Node& node);
  /// Replaces the node's float weight (input 1) by int8 with a scale for each index of its first
  /// dimension, and its bias (input 2), if there is one, by int32.
  void weights(Graph::Node& node);
  /// Replaces a constant input by integers in this scale.
  void constant(Graph::Node& node, size_t input, const Quantization& quantization,
                DType dtype = DType::int8);
  /// Adds a constant under a name that no other constant of integers has.
  int add_integers(std::string name, const Tensor& integers, const Quantization& quantization);
  /// The scale and zero point that cover a range, which is widened to hold 0.
  static Quantization covering(const Range& range);
  const Range& range(int value) const { return ranges_[value]; }

 private:
  Graph& graph_;
  std::vector<Range> ranges_;
};

/// A node of a quantized graph, as the `interpret` and `emit` rules see it.
struct QuantizedNode {
  const Graph& graph;
  const Graph::Node& node;
  Rounding rounding;

  const Graph::Value& input(int i) const { return graph.values[node.inputs[i]]; }
  const Graph::Value& output() const { return graph.values[node.outputs[0]]; }
  int inputs() const { return static_cast<int>(node.inputs.size()); }
  float input_scale(int i) const { return input(i).quantization->scale[0]; }
  int32_t input_zero_point(int i) const { return input(i).quantization->zero_point[0]; }
  float output_scale() const { return output().quantization->scale[0]; }
  int32_t output_zero_point() const { return output().quantization->zero_point[0]; }
  /// The int8 range that the folded activation leaves.
  struct Bounds {
    int32_t low, high;
  };
  Bounds bounds() const;
  /// The multipliers from accumulators to the output, one for each output channel.
  std::vector<Multiplier> channel_multipliers() const;
  /// Weight, bias (zeros where there is none) and channel multipliers (out, 2): the constants of
  /// op::QConv2d and op::QLinear.
  std::vector<Tensor> product_constants() const;
  /// Zero point, bounds and rounding of the output, for `lower`.
  op::Requantize requantize() const {
    return {output_zero_point(), bounds().low, bounds().high, rounding};
  }
};

/// A node as an op on int8 tensors, for a Backend: its inputs are the values of the graph that
/// `values` numbers, then `constants`.
struct Int8Op {
  op::Any op;
  std::vector<int> values;
  std::vector<Tensor> constants = {};
};

/// The reason why an op has no int8 form; null for the ops that have one.
template <class Op>
inline constexpr const char* not_quantizable = nullptr;

#define TUCO_DEPLOY_RULES(Op)                                                          \
  void quantize(const op::Op& op, Quantizer& quantizer, Graph::Node& node);            \
  void interpret(const op::Op& op, const QuantizedNode& node, Inputs in, Tensor& out); \
  void emit(const op::Op& op, const QuantizedNode& node, Program& program);            \
  Int8Op lower(const op::Op& op, const QuantizedNode& node)

TUCO_DEPLOY_RULES(Add);  // ops/add.cpp
TUCO_DEPLOY_RULES(Sub);
TUCO_DEPLOY_RULES(Mul);      // ops/mul.cpp
TUCO_DEPLOY_RULES(Maximum);  // ops/maximum.cpp
TUCO_DEPLOY_RULES(Minimum);
TUCO_DEPLOY_RULES(Relu);  // ops/activations.cpp
TUCO_DEPLOY_RULES(Clamp);
TUCO_DEPLOY_RULES(LeakyRelu);
TUCO_DEPLOY_RULES(HardSwish);
TUCO_DEPLOY_RULES(Tanh);
TUCO_DEPLOY_RULES(Sigmoid);
TUCO_DEPLOY_RULES(PRelu);  // ops/prelu.cpp
TUCO_DEPLOY_RULES(Elu);    // ops/functions.cpp
TUCO_DEPLOY_RULES(Abs);
TUCO_DEPLOY_RULES(Exp);
TUCO_DEPLOY_RULES(Log);
TUCO_DEPLOY_RULES(Sqrt);
TUCO_DEPLOY_RULES(Power);
TUCO_DEPLOY_RULES(Affine);
TUCO_DEPLOY_RULES(Softmax);    // ops/softmax.cpp
TUCO_DEPLOY_RULES(Conv2d);     // ops/conv2d.cpp
TUCO_DEPLOY_RULES(Linear);     // ops/linear.cpp
TUCO_DEPLOY_RULES(MaxPool2d);  // ops/pool2d.cpp
TUCO_DEPLOY_RULES(AvgPool2d);
TUCO_DEPLOY_RULES(Mean);    // ops/mean.cpp
TUCO_DEPLOY_RULES(Sum);
TUCO_DEPLOY_RULES(Concat);  // ops/shapes.cpp
TUCO_DEPLOY_RULES(Pad);
TUCO_DEPLOY_RULES(Reshape);
TUCO_DEPLOY_RULES(Slice);  // ops/views.cpp
TUCO_DEPLOY_RULES(Permute);
TUCO_DEPLOY_RULES(Copy);           // ops/copy.cpp
TUCO_DEPLOY_RULES(ResizeNearest);  // ops/resize.cpp

// An op with several results takes all of them.
void quantize(const op::Lstm& op, Quantizer& quantizer, Graph::Node& node);  // ops/lstm.cpp
void interpret(const op::Lstm& op, const QuantizedNode& node, Inputs in, std::vector<Tensor>& out);
void emit(const op::Lstm& op, const QuantizedNode& node, Program& program);
Int8Op lower(const op::Lstm& op, const QuantizedNode& node);
#undef TUCO_DEPLOY_RULES

inline constexpr const char* kBatchNormAlone =
    "only after a convolution, a linear layer, or on images can it be folded";
inline constexpr const char* kNoKernel = "no int8 kernel yet";
inline constexpr const char* kTrainingOnly = "it belongs to training";
inline constexpr const char* kNotRecorded = "graphs do not hold it";
inline constexpr const char* kFused = "graphs to quantize hold what it is made of";
inline constexpr const char* kInt8Already = "it is the int8 form of an op";

template <>
inline constexpr const char* not_quantizable<op::BatchNorm> = kBatchNormAlone;
template <>
inline constexpr const char* not_quantizable<op::Custom> = "a user's op has no int8 form";

template <class Op>
requires op::in_list<Op,
                     op::TypeList<op::Div, op::Where, op::Cast, op::Gather, op::Expand,
                                  op::Max, op::ArgMax, op::MatMul, op::LogSoftmax>> ||
    op::Compare<Op>
inline constexpr const char* not_quantizable<Op> = kNoKernel;

template <class Op>
requires op::in_list<
    Op, op::TypeList<op::GatherGrad, op::Conv2dGradInput, op::Conv2dGradWeight, op::MaxPool2dGrad,
                     op::AvgPool2dGrad, op::ResizeNearestGrad, op::BatchNormTrain,
                     op::BatchNormTrainGrad, op::BatchNormRelu, op::BatchNormReluPool,
                     op::BatchNormReluPoolGrad, op::LstmTrain, op::LstmGrad, op::SoftmaxGrad,
                     op::LogSoftmaxGrad, op::Dropout, op::SgdStep, op::AdamWStep>>
inline constexpr const char* not_quantizable<Op> = kTrainingOnly;
template <op::Unary Op>
inline constexpr const char* not_quantizable<op::UnaryGrad<Op>> = kTrainingOnly;

template <class Op>
requires op::in_list<Op,
                     op::TypeList<op::ToDevice, op::Random, op::Fill, op::Accumulate, op::AddRelu>>
inline constexpr const char* not_quantizable<Op> = kNotRecorded;

template <class Op>
requires op::in_list<Op, op::TypeList<op::FusedLinear, op::FusedConv2d>>
inline constexpr const char* not_quantizable<Op> = kFused;

template <class Op>
requires op::in_list<Op, op::QuantizedList>
inline constexpr const char* not_quantizable<Op> = kInt8Already;

/// Whether the op's output can take its first input's place in memory (point-wise ops).
bool works_in_place(const op::Any& op);
/// Whether a clamp of the op's result can be folded into its node in int8.
bool takes_activation(const op::Any& op);
/// Whether the output is the input's bytes under another shape.
bool is_alias(const op::Any& op);

}  // namespace tuco::deploy
