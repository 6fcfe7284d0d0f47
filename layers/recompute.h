// Activation checkpointing (Chen et al., arXiv:1604.06174): a part of a network keeps its input
// alone, and computes again in backward what its gradients need. Memory for about a third more
// time.
#pragma once
#include "tuco/layers/module.h"

namespace tuco {

/// module(x), whose intermediate results are not kept but computed again in backward, bit for bit:
/// dropout draws the same numbers, and running statistics are updated once. The parameters must not
/// change in between: backward throws Error if they did. Where nothing is recorded, or while
/// tracing, it is module(x).
Tensor recompute(const Module& module, const Tensor& x);

/// Whether this thread computes something again: a module that changes a state of its own in
/// forward leaves it alone then.
bool is_recomputing();

struct RecomputedBody : Module::Body {
  /// Registers "body". Throws Error without one.
  explicit RecomputedBody(const Module& part) : body(add("body", part)) {}
  Tensor forward(const Tensor& x) override { return recompute(body, x); }

  Module body;
};

/// recompute() as a layer: Sequential{Recomputed{block(64)}, Recomputed{block(128)}, ...}.
class Recomputed : public ModuleOf<RecomputedBody> {
 public:
  using ModuleOf::ModuleOf;
  explicit Recomputed(const Module& part) : ModuleOf(std::make_shared<RecomputedBody>(part)) {}
};

}  // namespace tuco
