// From the operators of a .tflite file to the nodes of a Graph. One function for each operator, in
// a table (operators.h); an OperatorImport is the operator as such a function sees it, and where it
// leaves its nodes.
#pragma once
#include <map>
#include <optional>
#include <vector>

#include "tuco/core/error.h"
#include "tuco/core/graph.h"
#include "tuco/deploy/tflite/file_model.h"
#include "tuco/deploy/tflite/variables.h"

namespace tuco::tflite {

/// A scale of a bias, which no executor looks at, as a positive number.
float positive(float scale);

/// A graph in the making.
class Importer {
 public:
  /// Throws FormatError or UnsupportedOp naming the operator and what is wrong with it.
  explicit Importer(const FileModel& file);

  /// Whether the network computes in int8.
  bool is_int8() const { return int8_; }
  Graph take_graph() { return std::move(graph_); }

 private:
  friend class OperatorImport;
  void add_inputs();
  void add_operators();
  void add_outputs();
  void add_states();
  int add_value(Graph::Value value, const Shape& at_next_batch);
  /// Takes so many bytes of constants off what a file of this size may use.
  void spend(int64_t bytes);

  const FileModel& file_;
  Graph graph_;
  bool int8_ = false;
  /// Shapes when the batch is larger by one: what depends on the example's batch shows itself.
  std::vector<Shape> at_next_batch_;
  /// The graph's value of each tensor, or -1.
  std::vector<int> values_;
  /// The constants that were made of tensors.
  std::map<int, Tensor> constants_;
  Variables variables_;
  int64_t bytes_left_ = 0, uses_left_ = 0;
};

/// An operator that is being imported. What does not fit throws an Error without the operator's
/// name, which the importer puts in front.
class OperatorImport {
 public:
  OperatorImport(Importer& importer, const OperatorView& op) : importer_(importer), op_(op) {}

  bool int8() const { return importer_.int8_; }
  int inputs() const { return static_cast<int>(op_.inputs.size()); }
  int outputs() const { return static_cast<int>(op_.outputs.size()); }
  /// Whether input `i` is given.
  bool has(int i) const { return i < inputs() && op_.inputs[i] >= 0; }
  const TensorView& input(int i) const;
  /// Whether input `i` is a constant.
  bool is_constant(int i) const;
  const TensorView& output(int i = 0) const;
  /// The tensor of output 0.
  int output_index() const;
  const OperatorView& view() const { return op_; }
  const FileModel& file() const { return importer_.file_; }

  /// The attributes. Throws FormatError if the operator has none of this kind.
  template <class Options>
  const Options& options() const {
    const Options* options = op_.table->builtin_options_as<Options>();
    require<FormatError>(options != nullptr, "its options are missing");
    return *options;
  }
  /// As above, or null.
  template <class Options>
  const Options* options_if_any() const {
    return op_.table->builtin_options_as<Options>();
  }

  Variables& variables() { return importer_.variables_; }
  /// The variable that input `i` is a handle of.
  Variable& variable(int i);
  /// Adds what a variable like this tensor is when a run begins: a value of the graph, and the
  /// state that it belongs to. It begins as `initial`, or, if that is undefined, as zeros.
  int add_state(const TensorView& tensor, int index, const Tensor& initial);
  size_t states() const { return importer_.graph_.states.size(); }
  const Graph::Value& value(int number) const { return importer_.graph_.values[number]; }

  /// The graph's value of input `i`, which must be computed, or come in.
  int activation(int i = 0);
  /// As above, or a constant.
  int operand(int i);
  /// The numbers of a constant of int32 or int64.
  std::vector<int64_t> integers(int i);
  /// The elements of a constant: float32 in a float network, whatever they were stored as; int8 or
  /// int32 in an int8 one.
  Tensor constant(int i);
  /// The elements of a constant tensor in the same way.
  Tensor elements(const TensorView& tensor);
  /// Adds a constant that is made of input `i`.
  int add_constant(int i, const Tensor& tensor, std::optional<Quantization> quantization = {});
  /// The scales of the weight in input `i`, one for each of the channels along `axis`, whose zero
  /// points are 0; nothing in a float network.
  std::optional<Quantization> weight_scales(int i, int axis);
  /// Adds the bias (out,) that input `i` is, if it is given, to an op's input and weight.
  void add_bias(int i, std::vector<int>& inputs);
  /// Scale and zero point of an input or output of an int8 network; nothing in a float one.
  std::optional<Quantization> quantization_of(const TensorView& tensor) const;

  const Shape& shape(int value) const { return importer_.graph_.values[value].meta.shape; }
  /// Adds a node that computes output `index`, with an activation in it or behind it.
  void give(const op::Any& op, const std::vector<int>& inputs,
            const std::optional<op::Clamp>& activation = {}, int index = 0);
  /// What the variable tensor that input `i` is was left as, of this shape.
  int variable_tensor(int i, const Shape& shape);
  /// Adds a node that computes output 0 and, after it, what such states become.
  void give_with_states(const op::Any& op, const std::vector<int>& inputs,
                        const std::vector<int>& states);
  /// Gives a constant the scales of its integers.
  void set_quantization(int constant, const Quantization& quantization) {
    importer_.graph_.values[constant].quantization = quantization;
  }
  /// Adds a node, and returns its result: a value that the file does not have. In int8 it has the
  /// scale of the first input, if none is given.
  int between(const op::Any& op, const std::vector<int>& inputs,
              const std::optional<Quantization>& quantization = {});
  /// Output `index` is the value itself.
  void pass(int value, int index = 0);
  /// For an operator at the border of an int8 network: whether input 0 is one of the network's, of
  /// another type than int8. If so, output 0 becomes the input.
  bool take_over_input();
  /// Whether output 0 is one of the network's.
  bool gives_network_output() const;

 private:
  /// Adds a node and its result, of which `value` has name and scale, and whose shape must be the
  /// expected one, if that is known.
  int result_of(const op::Any& op, const std::vector<int>& inputs, Graph::Value value,
                const Shape* expected, const std::optional<op::Clamp>& activation);

  Importer& importer_;
  const OperatorView& op_;
};

}  // namespace tuco::tflite
