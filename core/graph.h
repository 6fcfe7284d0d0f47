// Graph: a network as a list of ops, what tracing records and importers make, and what passes,
// quantization, the planner, engines and exporters consume.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "tuco/core/ops/any.h"
#include "tuco/core/preprocessing.h"
#include "tuco/core/quantization.h"

namespace tuco {

/// Ops in execution order over numbered values. The first dimension of inputs and of what is
/// computed from them is the batch; the sizes recorded there are the example's, and no op depends
/// on them.
struct Graph {
  /// A tensor of the graph: an input, a constant, or a result.
  struct Value {
    /// A parameter's dotted name, or one made from the op.
    std::string name;
    TensorMeta meta;
    /// The bytes of a constant; undefined for others.
    Tensor constant;
    /// How the integers are meant, in a quantized graph.
    std::optional<Quantization> quantization;
  };
  /// An op with the values that it reads and writes.
  struct Node {
    op::Any op;
    std::vector<int> inputs, outputs;
    /// The module that ran it, dotted ("features.0"), or empty.
    std::string name;
    /// A clamp of the result that was folded into the op (ReLU is [0, infinity)).
    std::optional<op::Clamp> activation;
  };
  /// A value that lives from run to run, as recurrent and streaming networks have them. All three
  /// numbers are of values of one type and, but for the batch, one shape and scale.
  struct State {
    /// The constant, for one example, that it is before the first run.
    int initial;
    /// What the last run left, which nodes read, and what this run leaves to the next.
    int before, after;
  };

  std::vector<Value> values;
  std::vector<Node> nodes;
  /// Numbers of the values that come in and go out.
  std::vector<int> inputs, outputs;
  std::vector<State> states;
  /// How pictures become the input, where that is known.
  std::optional<Preprocessing> preprocessing;

  /// Adds a value and returns its number.
  int add_value(Value value);
  /// The node that writes `value`, or -1 for inputs and constants.
  int producer(int value) const;
  /// The nodes that read `value`, in order.
  std::vector<int> consumers(int value) const;
  /// The values that are there when a run begins: inputs, and what the last run left.
  std::vector<int> given() const;
  /// Whether the value goes out, or stays for the next run: somebody beside nodes reads it.
  bool is_kept(int value) const;
  /// Replaces `from` by `to` wherever it is read, goes out or stays.
  void replace_uses(int from, int to);
  /// Drops nodes whose results nobody reads, and values that nothing refers to; renumbers.
  void remove_unused();

  /// A line for each node: results, op and attributes, inputs; and for each state.
  std::string to_string() const;
};

}  // namespace tuco
