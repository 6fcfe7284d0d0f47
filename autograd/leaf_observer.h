// LeafObserver: what wants to know, while backward() still walks, that the gradient of a leaf is
// final: gradients that travel to other processes set out while the others are computed.
#pragma once
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "tuco/autograd/tape.h"

namespace tuco {

/// Is told by backward(), on its thread and with recording off. A backward inside of another one
/// (recompute) tells nobody: the outer one does, about the leaves among its ops' inputs. What an
/// observer throws comes out of backward().
class LeafObserver {
 public:
  virtual ~LeafObserver() = default;
  /// A backward() begins that can reach leaves of this observer.
  virtual void backward_begins() = 0;
  /// It adds nothing more to the gradient of leaf number `leaf` of the observation.
  virtual void leaf_is_final(int64_t leaf) = 0;
  /// It is over: the leaves that it did not reach are final, too. Not called where it throws.
  virtual void backward_ends() = 0;
};

/// While one lives, backward() tells an observer about its leaves; of several observers, those that
/// came first are told first.
class LeafObservation {
 public:
  /// Leaf number i is leaves[i]. Throws Error if one is no leaf of the tape, is there twice or has
  /// an observer.
  LeafObservation(const std::vector<Tensor>& leaves, LeafObserver& observer);
  ~LeafObservation();
  LeafObservation(const LeafObservation&) = delete;
  LeafObservation& operator=(const LeafObservation&) = delete;

 private:
  friend class LeafWatch;
  LeafObserver& observer_;
  uint64_t sequence_;
  std::vector<std::shared_ptr<GradState>> leaves_;
};

/// One backward() as observers see it: it counts on how many ways gradients can still come to their
/// leaves. Costs nothing where nobody observes.
class LeafWatch {
 public:
  /// For a walk from `root`. Tells that it begins.
  explicit LeafWatch(const std::shared_ptr<GradState>& root);
  ~LeafWatch();
  LeafWatch(const LeafWatch&) = delete;
  LeafWatch& operator=(const LeafWatch&) = delete;

  /// The walk gave the node's inputs all that comes from it.
  void passed(const Node& node) {
    if (!ways_.empty()) count_down(node);
  }
  /// The walk is over.
  void ends();

 private:
  void count(const std::shared_ptr<GradState>& state);
  void count_down(const Node& node);

  /// For each observed leaf that can be reached, the uses by nodes that were not passed yet.
  std::unordered_map<const GradState*, int64_t> ways_;
  std::vector<const LeafObservation*> observations_;
  bool outermost_;
};

}  // namespace tuco
