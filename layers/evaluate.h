// Evaluation: a network as it will be used, without dropout and without a tape.
#pragma once
#include <vector>

#include "tuco/autograd/grad_mode.h"
#include "tuco/layers/losses.h"
#include "tuco/layers/module.h"

namespace tuco {

/// While one lives, a module is in evaluation mode and this thread records no gradients; at its end
/// the mode of each part is what it was.
class Evaluating {
 public:
  explicit Evaluating(const Module& net) {
    for (const auto& [name, module] : net.modules())
      if (module.training()) trained_.push_back(module);
    net.eval();
  }
  ~Evaluating() {
    for (const Module& module : trained_) module.train_alone(true);
  }
  Evaluating(const Evaluating&) = delete;
  Evaluating& operator=(const Evaluating&) = delete;

 private:
  std::vector<Module> trained_;
  NoGrad quiet_;
};

/// The share of samples, from 0 to 1, whose largest output is that of their label. `batches` is a
/// range of images and labels (n,) int64, such as a data::Loader, and comes to the network's device
/// if it is elsewhere; 0 if it is empty.
template <class Batches>
double accuracy(const Module& net, Batches&& batches) {
  const Evaluating evaluating(net);
  const Device device = net.device();
  int64_t right = 0, all = 0;
  for (const auto& [images, labels] : batches) {
    right += count_correct(net(images.to(device)), labels.to(device));
    all += labels.numel();
  }
  return all ? static_cast<double>(right) / static_cast<double>(all) : 0;
}

}  // namespace tuco
