// Evaluation: a network as it will be used, without dropout and without a tape.
#pragma once
#include "tuco/autograd/grad_mode.h"
#include "tuco/layers/losses.h"
#include "tuco/layers/module.h"

namespace tuco {

/// While one lives, a module is in evaluation mode and this thread records no gradients; at its end
/// the mode is what it was. Its parts take the mode of the whole.
class Evaluating {
 public:
  explicit Evaluating(const Module& net) : net_(net), was_training_(net.training()) { net.eval(); }
  ~Evaluating() { net_.train(was_training_); }
  Evaluating(const Evaluating&) = delete;
  Evaluating& operator=(const Evaluating&) = delete;

 private:
  Module net_;
  bool was_training_;
  NoGrad quiet_;
};

/// The share of samples, from 0 to 1, whose largest output is that of their label. `batches` is a
/// range of images and labels (n,) int64, such as a data::Loader; 0 if it is empty.
template <class Batches>
double accuracy(const Module& net, Batches&& batches) {
  const Evaluating evaluating(net);
  int64_t right = 0, all = 0;
  for (const auto& [images, labels] : batches) {
    right += count_correct(net(images), labels);
    all += labels.numel();
  }
  return all ? static_cast<double>(right) / static_cast<double>(all) : 0;
}

}  // namespace tuco
