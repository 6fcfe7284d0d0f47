// The tape: what run_op records and backward() walks. A Node stands for one operation; it is owned
// by the tensors that it produced, and holds the gradient states of its inputs, so that a graph
// lives as long as a result of it does. Both walking and destroying are iterative: a recurrence of
// 100,000 steps must not overflow the stack.
#pragma once
#include <memory>
#include <vector>

#include "tuco/core/backend.h"

namespace tuco {

struct Node;
class LeafObservation;

/// A tensor's place on the tape.
struct GradState {
  /// Whether backward() accumulates into `grad`; else `node` produced the tensor.
  bool leaf = false;
  Tensor grad;
  TensorMeta meta;
  std::shared_ptr<Node> node;
  /// Which of the node's outputs the tensor is.
  int output = 0;
  /// Who wants to know when a leaf's gradient is final (leaf_observer.h), or null, and as which leaf.
  const LeafObservation* observation = nullptr;
  int64_t observed_as = 0;
};

/// What a forward rule keeps for its backward rule.
class Saved {
 public:
  /// Keeps a tensor (off the tape, so that no cycle arises) with its storage's version.
  void keep(const Tensor& tensor);
  /// Keeps a shape, where the values do not matter.
  void keep(const Shape& shape) { shapes_.push_back(shape); }
  /// The i-th kept shape.
  const Shape& shape(int i) const { return shapes_.at(i); }
  /// The i-th kept tensor, handed over. Throws Error naming `op` if its bytes were changed in place
  /// since.
  Tensor take(std::string_view op, int i);
  /// How many tensors were kept.
  int size() const { return static_cast<int>(kept_.size()); }
  void clear() { kept_.clear(); }

 private:
  struct Kept {
    Tensor tensor;
    uint64_t version;
  };
  std::vector<Kept> kept_;
  std::vector<Shape> shapes_;
};

/// One recorded operation.
struct Node {
  ~Node();
  op::Any op;
  Saved saved;
  /// The states of the inputs that need a gradient; null for the others.
  std::vector<std::shared_ptr<GradState>> inputs;
  std::vector<TensorMeta> input_metas;
  std::vector<TensorMeta> outputs;
  /// Counts up along the program, so that a node's consumers have larger numbers.
  uint64_t sequence = 0;
  /// Whether backward() has passed and freed what was saved.
  bool consumed = false;
};

/// Marks `outputs` as produced by an operation on `inputs`.
void record(op::Any op, Inputs inputs, Outputs& outputs, Saved saved);

}  // namespace tuco
