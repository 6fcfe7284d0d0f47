#include "tuco/autograd/tape.h"

#include <algorithm>
#include <atomic>
#include <iterator>
#include <queue>
#include <unordered_map>

#include "tuco/autograd/functions.h"
#include "tuco/autograd/grad_mode.h"
#include "tuco/autograd/leaf_observer.h"
#include "tuco/autograd/rules.h"
#include "tuco/autograd/run_op.h"
#include "tuco/core/error.h"

namespace tuco {

Grads run_backward(const op::Any& op, Saved&& saved, Grads gradients, const Needs& needs);

void Saved::keep(const Tensor& tensor) {
  kept_.push_back({tensor.detach(), tensor.storage()->version()});
}

Tensor Saved::take(std::string_view op, int i) {
  Kept kept = std::move(kept_.at(i));
  require<Error>(kept.version == kept.tensor.storage()->version(),
                 "{}: a tensor of shape {} that backward needs was changed in place after it was "
                 "used",
                 op, kept.tensor.shape());
  return std::move(kept.tensor);
}

Node::~Node() {
  // What this node keeps alive is let go from a list, not by recursion: where that ends another
  // node, its destructor adds to the same list.
  static thread_local std::vector<std::shared_ptr<GradState>>* pending = nullptr;
  if (pending) {
    std::ranges::move(inputs, std::back_inserter(*pending));
    return;
  }
  std::vector<std::shared_ptr<GradState>> list = std::move(inputs);
  pending = &list;
  while (!list.empty()) {
    const auto next = std::move(list.back());
    list.pop_back();
  }
  pending = nullptr;
}

void record(op::Any op, Inputs inputs, Outputs& outputs, Saved saved) {
  static std::atomic<uint64_t> counter = 0;
  auto node = std::make_shared<Node>();
  node->op = std::move(op);
  node->saved = std::move(saved);
  node->sequence = ++counter;
  for (const Tensor& input : inputs) {
    node->inputs.push_back(input.requires_grad() ? input.grad_state() : nullptr);
    node->input_metas.push_back(input.meta());
  }
  for (size_t i = 0; i < outputs.size(); ++i) {
    Tensor& output = outputs[i];
    if (!output.defined()) {
      node->outputs.emplace_back();
      continue;
    }
    node->outputs.push_back(output.meta());
    if (!is_floating(output.dtype()) || !is_differentiable(node->op, static_cast<int>(i))) continue;
    // A rule may hand an input through; the tape needs a handle of its own.
    const auto is_output = [&](const Tensor& other) { return output.same(other); };
    if (output.grad_state() || std::ranges::any_of(inputs, is_output)) output = output.detach();
    output.set_grad_state(std::make_shared<GradState>(
        GradState{false, {}, output.meta(), node, static_cast<int>(i)}));
  }
}

namespace {

/// into += gradient, in place where nobody else can see the bytes.
void accumulate(Tensor& into, Tensor gradient) {
  if (!into.defined())
    into = std::move(gradient);
  else if (into.is_unique() && into.is_contiguous())
    into.add_(gradient);
  else
    into = into + gradient;
}

/// The same where the user may look at the bytes, and expects to see the sum there.
void accumulate_more(Tensor& into, const Tensor& gradient) {
  if (into.is_contiguous())
    into.add_(gradient);
  else
    into = into + gradient;
}

void accumulate_leaf(GradState& leaf, Tensor gradient) {
  if (!leaf.grad.defined())
    leaf.grad =
        gradient.is_unique() && gradient.is_contiguous() ? std::move(gradient) : gradient.clone();
  else
    accumulate_more(leaf.grad, gradient);
}

struct LaterFirst {
  bool operator()(const std::shared_ptr<Node>& a, const std::shared_ptr<Node>& b) const {
    return a->sequence < b->sequence;
  }
};

/// Walks from the root to the leaves, later nodes first, which is a topological order.
class Walk {
 public:
  void arrive(const std::shared_ptr<GradState>& state, Tensor gradient) {
    if (state->leaf) {
      accumulate_leaf(*state, std::move(gradient));
      return;
    }
    auto [found, is_new] = waiting_.try_emplace(state->node.get());
    if (is_new) {
      found->second.resize(state->node->outputs.size());
      order_.push(state->node);
    }
    accumulate(found->second[state->output], std::move(gradient));
  }

  void run(LeafWatch& watch) {
    while (!order_.empty()) {
      const std::shared_ptr<Node> node = order_.top();
      order_.pop();
      require<Error>(!node->consumed,
                     "backward: {} was already walked, and what it saved is freed; run forward "
                     "again",
                     name(node->op));
      Grads gradients = std::move(waiting_.extract(node.get()).mapped());
      // What no result depends on has a gradient of zero.
      for (size_t i = 0; i < gradients.size(); ++i)
        if (!gradients[i].defined() && is_floating(node->outputs[i].dtype) &&
            is_differentiable(node->op, static_cast<int>(i)))
          gradients[i] =
              full(node->outputs[i].shape, 0, {node->outputs[i].dtype, node->outputs[i].device});
      Needs needs;
      for (const auto& input : node->inputs) needs.push_back(input != nullptr);
      node->consumed = true;
      Grads results = run_backward(node->op, std::move(node->saved), std::move(gradients), needs);
      node->saved.clear();
      for (size_t i = 0; i < node->inputs.size(); ++i) {
        if (!node->inputs[i] || !results[i].defined()) continue;
        const TensorMeta &meta = results[i].meta(), &expected = node->input_metas[i];
        require<ShapeError>(meta.shape == expected.shape,
                            "backward of {}: gradient {} for input {} of shape {}", name(node->op),
                            meta.shape, i, expected.shape);
        require<DTypeError>(meta.dtype == expected.dtype,
                            "backward of {}: gradient is {}, input {} {}", name(node->op),
                            meta.dtype, i, expected.dtype);
        Tensor gradient = std::move(results[i]);
        arrive(node->inputs[i], std::move(gradient));
      }
      watch.passed(*node);
    }
  }

 private:
  std::priority_queue<std::shared_ptr<Node>, std::vector<std::shared_ptr<Node>>, LaterFirst> order_;
  std::unordered_map<Node*, Grads> waiting_;
};

}  // namespace

void Tensor::backward(const Tensor& gradient) const {
  require<Error>(requires_grad(), "backward: the tensor does not depend on any that requires_grad");
  Tensor seed = gradient;
  if (!seed.defined()) {
    require<ShapeError>(numel() == 1, "backward: the tensor has shape {}, give its gradient",
                        shape());
    seed = ones(shape(), {dtype(), device()});
  }
  require<ShapeError>(seed.shape() == shape(), "backward: gradient {} for a tensor of shape {}",
                      seed.shape(), shape());
  require<DTypeError>(seed.dtype() == dtype(), "backward: gradient is {}, the tensor {}",
                      seed.dtype(), dtype());
  require<DeviceError>(seed.device() == device(), "backward: gradient on {}, the tensor on {}",
                       seed.device(), device());
  NoGrad quiet;
  TracerScope no_tracer(nullptr);
  LeafWatch watch(grad_state());
  Walk walk;
  walk.arrive(grad_state(), std::move(seed));
  walk.run(watch);
  watch.ends();
}

}  // namespace tuco
