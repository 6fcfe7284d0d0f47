// From the nodes of a Graph to operators of a .tflite file: overloads of `write`, one for each op
// that has a form there. A NodeExport is the node as such an overload sees it.
#pragma once
#include <optional>
#include <vector>

#include "tuco/core/graph.h"
#include "tuco/core/ops/window.h"
#include "tuco/deploy/quantize.h"
#include "tuco/deploy/tflite/builder.h"

namespace tuco::tflite {

/// The graph that is being written, and the tensors that its values became.
struct GraphExport {
  const Graph& graph;
  /// Shapes for a batch of one.
  std::vector<Shape> shapes;
  bool int8;
  Builder builder = {};
  /// The tensor of each value, or -1.
  std::vector<int> tensors = {};

  /// The tensor of a value; a constant is written when it is first asked for, as it is.
  int tensor_of(int value);
};

class NodeExport {
 public:
  /// `output` is the tensor that the op itself writes, and `fused` what it clamps by.
  NodeExport(GraphExport& graph, const Graph::Node& node, int output,
             schema::ActivationFunctionType fused)
      : graph_(graph), node_(node), output_(output), fused_(fused) {}

  bool int8() const { return graph_.int8; }
  const Graph& graph() const { return graph_.graph; }
  Builder& builder() { return graph_.builder; }
  const Graph::Node& node() const { return node_; }
  int inputs() const { return static_cast<int>(node_.inputs.size()); }
  const Graph::Value& value(int i) const { return graph_.graph.values[node_.inputs[i]]; }
  const Graph::Value& result() const { return graph_.graph.values[node_.outputs[0]]; }
  /// Shapes for a batch of one.
  const Shape& shape(int i) const { return graph_.shapes[node_.inputs[i]]; }
  const Shape& result_shape() const { return graph_.shapes[node_.outputs[0]]; }
  /// Whether anybody reads output `index`.
  bool is_read(int index) const;
  schema::ActivationFunctionType fused() const { return fused_; }

  /// The tensors of input `i`, and of the output.
  int in(int i) { return graph_.tensor_of(node_.inputs[i]); }
  int out() const { return output_; }
  /// A tensor between operators, of the node's type, with the scale of a value.
  int between(const Shape& shape, const std::optional<Quantization>& quantization);
  /// A constant vector of int32.
  int integers(const std::vector<int32_t>& values);
  /// A constant vector of int32 from sizes, which must fit.
  int integers(const Shape& sizes);
  /// A constant of one real number: float32, or int8 in a scale, which must have it.
  int number(double value, const std::optional<Quantization>& quantization);

  /// Adds an operator of which version 2 is the first for int8.
  void add(schema::BuiltinOperator code, const std::vector<int>& inputs,
           const OptionsOffset& options = {}, std::optional<int> output = {});
  /// As above, of a version.
  void add_version(schema::BuiltinOperator code, int version, const std::vector<int>& inputs,
                   const OptionsOffset& options = {}, std::optional<int> output = {});
  /// Adds what clamps tensor `from` to the output, both in the output's scale.
  void add_clamp(int from, const op::Clamp& clamp);
  /// The input of a window with its padding around it, in a tensor of its own, as real number
  /// `value`; input 0 itself where there is none.
  int padded_input(const Padding& padding, double value);

 private:
  GraphExport& graph_;
  const Graph::Node& node_;
  int output_;
  schema::ActivationFunctionType fused_;
};

/// The fused activation that clamps so, if the format has one.
std::optional<schema::ActivationFunctionType> activation_of(const op::Clamp& clamp);

/// What a window's padding is in the format.
struct WindowPadding {
  schema::Padding kind = schema::Padding::VALID;
  /// What must be added around the images before.
  Padding explicitly = 0;
};
WindowPadding window_padding(const WindowGeometry& geometry);

#define TUCO_TFLITE_WRITES(Op) void write(const op::Op& op, NodeExport& node)
TUCO_TFLITE_WRITES(Conv2d);  // export_products.cpp
TUCO_TFLITE_WRITES(Linear);
TUCO_TFLITE_WRITES(MatMul);
TUCO_TFLITE_WRITES(BatchNorm);
TUCO_TFLITE_WRITES(Lstm);       // export_sequences.cpp
TUCO_TFLITE_WRITES(MaxPool2d);  // export_windows.cpp
TUCO_TFLITE_WRITES(AvgPool2d);
TUCO_TFLITE_WRITES(Mean);
TUCO_TFLITE_WRITES(Sum);
TUCO_TFLITE_WRITES(Max);
TUCO_TFLITE_WRITES(Add);  // export_pointwise.cpp
TUCO_TFLITE_WRITES(Sub);
TUCO_TFLITE_WRITES(Mul);
TUCO_TFLITE_WRITES(Div);
TUCO_TFLITE_WRITES(Maximum);
TUCO_TFLITE_WRITES(Minimum);
TUCO_TFLITE_WRITES(Affine);
TUCO_TFLITE_WRITES(Power);
TUCO_TFLITE_WRITES(Clamp);
TUCO_TFLITE_WRITES(Relu);
TUCO_TFLITE_WRITES(LeakyRelu);
TUCO_TFLITE_WRITES(HardSwish);
TUCO_TFLITE_WRITES(Elu);
TUCO_TFLITE_WRITES(PRelu);
TUCO_TFLITE_WRITES(Abs);
TUCO_TFLITE_WRITES(Exp);
TUCO_TFLITE_WRITES(Log);
TUCO_TFLITE_WRITES(Sqrt);
TUCO_TFLITE_WRITES(Tanh);
TUCO_TFLITE_WRITES(Sigmoid);
TUCO_TFLITE_WRITES(Softmax);
TUCO_TFLITE_WRITES(LogSoftmax);
TUCO_TFLITE_WRITES(Concat);  // export_moves.cpp
TUCO_TFLITE_WRITES(Pad);
TUCO_TFLITE_WRITES(Reshape);
TUCO_TFLITE_WRITES(Permute);
TUCO_TFLITE_WRITES(Slice);
TUCO_TFLITE_WRITES(ResizeNearest);
#undef TUCO_TFLITE_WRITES

}  // namespace tuco::tflite
