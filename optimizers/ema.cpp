#include "tuco/optimizers/ema.h"

#include <algorithm>
#include <unordered_map>

#include "tuco/autograd/run_op.h"
#include "tuco/core/error.h"

namespace tuco {
namespace {

constexpr const char* kUpdates = "ema.updates";

}  // namespace

Ema::Ema(const NamedTensors& tensors, const EmaOptions& options) : options_(options) {
  require<Error>(options.decay >= 0 && options.decay < 1, "Ema: decay {}, expected [0, 1)",
                 options.decay);
  // A detached handle shares the bytes and may change them while others record.
  for (const auto& [name, tensor] : tensors)
    items_.push_back({name, tensor.detach(), tensor.clone()});
}

void Ema::update() {
  require<Error>(!swapped_, "Ema: update while the averages are swapped in");
  ++updates_;
  const double warm = static_cast<double>(1 + updates_) / static_cast<double>(10 + updates_);
  const double decay = options_.warm_up ? std::min(options_.decay, warm) : options_.decay;
  std::vector<Item*> left;
  for (Item& item : items_) {
    if (is_floating(item.tensor.dtype()))
      left.push_back(&item);
    else
      item.average.copy_(item.tensor);
  }
  while (!left.empty()) {
    // All tensors of one type and device at once: one op, one parallel region.
    const Tensor first = left[0]->tensor;
    std::vector<Tensor> tensors, averages;
    std::erase_if(left, [&](const Item* item) {
      const Tensor& tensor = item->tensor;
      if (tensor.dtype() != first.dtype() || tensor.device() != first.device()) return false;
      tensors.push_back(tensor);
      averages.push_back(item->average);
      return true;
    });
    run_in_place(op::Accumulate{1 - decay, decay}, tensors, averages);
  }
}

void Ema::swap() {
  for (Item& item : items_) {
    const Tensor values = item.tensor.clone();
    item.tensor.copy_(item.average);
    item.average.copy_(values);
  }
  swapped_ = !swapped_;
}

NamedTensors Ema::state() const {
  NamedTensors result;
  for (const Item& item : items_)
    result.emplace_back(item.name, (swapped_ ? item.tensor : item.average).clone());
  result.emplace_back(kUpdates, from_values<int64_t>({updates_}, {}));
  return result;
}

void Ema::load_state(const NamedTensors& state) {
  require<Error>(!swapped_, "Ema: load_state while the averages are swapped in");
  const std::string problems = mismatches(state, this->state());
  require<Error>(problems.empty(), "Ema: load_state: {}", problems);
  const std::unordered_map<std::string, Tensor> given(state.begin(), state.end());
  for (Item& item : items_) item.average.copy_(given.at(item.name));
  updates_ = given.at(kUpdates).item<int64_t>();
}

}  // namespace tuco
