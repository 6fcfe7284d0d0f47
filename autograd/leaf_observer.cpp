#include "tuco/autograd/leaf_observer.h"

#include <algorithm>
#include <atomic>
#include <unordered_set>

#include "tuco/core/error.h"

namespace tuco {
namespace {

/// How many observations live: while there is none, no tape is looked through.
std::atomic<int64_t> living = 0;
std::atomic<uint64_t> made = 0;
/// Whether this thread is inside a backward().
thread_local bool walking = false;

}  // namespace

LeafObservation::LeafObservation(const std::vector<Tensor>& leaves, LeafObserver& observer)
    : observer_(observer), sequence_(++made) {
  std::unordered_set<const GradState*> seen;
  for (size_t i = 0; i < leaves.size(); ++i) {
    require<Error>(leaves[i].requires_grad() && leaves[i].grad_state()->leaf,
                   "LeafObservation: tensor {} is not a leaf that requires a gradient", i);
    const auto& state = leaves[i].grad_state();
    require<Error>(seen.insert(state.get()).second, "LeafObservation: leaf {} is there twice", i);
    require<Error>(state->observation == nullptr, "LeafObservation: leaf {} has an observer", i);
    leaves_.push_back(state);
  }
  for (size_t i = 0; i < leaves_.size(); ++i) {
    leaves_[i]->observation = this;
    leaves_[i]->observed_as = static_cast<int64_t>(i);
  }
  ++living;
}

LeafObservation::~LeafObservation() {
  --living;
  for (const auto& leaf : leaves_) leaf->observation = nullptr;
}

LeafWatch::LeafWatch(const std::shared_ptr<GradState>& root) : outermost_(!walking) {
  if (!outermost_) return;
  if (living.load(std::memory_order_relaxed) > 0) {
    count(root);
    std::ranges::sort(observations_, {}, &LeafObservation::sequence_);
    for (const LeafObservation* observation : observations_)
      observation->observer_.backward_begins();
  }
  walking = true;
}

LeafWatch::~LeafWatch() {
  if (outermost_) walking = false;
}

void LeafWatch::count(const std::shared_ptr<GradState>& root) {
  std::vector<const GradState*> open = {root.get()};
  std::unordered_set<const Node*> seen;
  while (!open.empty()) {
    const GradState* state = open.back();
    open.pop_back();
    if (!state->leaf) {
      if (!seen.insert(state->node.get()).second) continue;
      for (const auto& input : state->node->inputs)
        if (input) open.push_back(input.get());
    } else if (state->observation) {
      ++ways_[state];
      if (std::ranges::find(observations_, state->observation) == observations_.end())
        observations_.push_back(state->observation);
    }
  }
}

void LeafWatch::count_down(const Node& node) {
  for (const auto& input : node.inputs) {
    if (!input || !input->observation) continue;
    const auto found = ways_.find(input.get());
    if (found == ways_.end() || --found->second > 0) continue;
    ways_.erase(found);
    input->observation->observer_.leaf_is_final(input->observed_as);
  }
}

void LeafWatch::ends() {
  for (const LeafObservation* observation : observations_) observation->observer_.backward_ends();
}

}  // namespace tuco
