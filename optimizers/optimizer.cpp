#include "tuco/optimizers/optimizer.h"

#include <algorithm>
#include <cmath>
#include <span>
#include <unordered_map>
#include <unordered_set>

#include "tuco/autograd/run_op.h"
#include "tuco/core/error.h"

namespace tuco {

std::vector<ParameterGroup> without_decay_of_vectors(const std::vector<Tensor>& parameters) {
  std::vector<ParameterGroup> groups = {{}, {.weight_decay = 0}};
  for (const Tensor& parameter : parameters)
    groups[parameter.rank() >= 2 ? 0 : 1].parameters.push_back(parameter);
  return groups;
}

Optimizer::Optimizer(const char* name, const std::vector<ParameterGroup>& groups, double lr,
                     double weight_decay, std::vector<std::string> memory_names)
    : name_(name), memory_names_(std::move(memory_names)) {
  std::unordered_set<const void*> seen;
  for (const ParameterGroup& group : groups) {
    const double decay = group.weight_decay.value_or(weight_decay);
    require<Error>(decay >= 0 && group.lr_factor >= 0,
                   "{}: weight decay {} and lr factor {}, expected no negative numbers", name_,
                   decay, group.lr_factor);
    for (const Tensor& parameter : group.parameters) {
      require<Error>(parameter.requires_grad(), "{}: parameter {} does not require a gradient",
                     name_, items_.size());
      require<Error>(parameter.is_contiguous(), "{}: parameter {} of shape {} is not dense", name_,
                     items_.size(), parameter.shape());
      require<Error>(seen.insert(parameter.id()).second, "{}: parameter {} is there twice", name_,
                     items_.size());
      Item item{parameter, group.lr_factor, decay, 0, {}};
      for (size_t i = 0; i < memory_names_.size(); ++i)
        item.memory.push_back(zeros_like(parameter.detach()));
      items_.push_back(std::move(item));
    }
  }
  require<Error>(!items_.empty(), "{}: no parameters", name_);
  set_lr(lr);
}

void Optimizer::zero_grad() {
  for (Item& item : items_) item.parameter.set_grad({});
}

bool Optimizer::Item::goes_with(const Item& other) const {
  return lr_factor == other.lr_factor && weight_decay == other.weight_decay &&
         steps == other.steps && parameter.dtype() == other.parameter.dtype() &&
         parameter.device() == other.parameter.device();
}

void Optimizer::step() {
  std::vector<Item*> left;
  for (Item& item : items_)
    if (item.parameter.grad().defined()) left.push_back(&item);
  for (Item* item : left) ++item->steps;
  while (!left.empty()) {
    // All that are alike at once: one op, one parallel region.
    const Item& first = *left[0];
    const auto rest = std::stable_partition(
        left.begin(), left.end(), [&](const Item* item) { return item->goes_with(first); });
    const std::span<Item*> alike(left.begin(), rest);
    std::vector<Tensor> gradients, changed;
    for (const Item* item : alike) {
      gradients.push_back(dense(item->parameter.grad()));
      changed.push_back(item->parameter);
    }
    for (size_t k = 0; k < memory_names_.size(); ++k)
      for (const Item* item : alike) changed.push_back(item->memory[k]);
    run_in_place(step_op(lr_ * first.lr_factor, first.weight_decay, first.steps), gradients,
                 changed);
    left.erase(left.begin(), rest);
  }
}

void Optimizer::set_lr(double lr) {
  require<Error>(std::isfinite(lr) && lr >= 0, "{}: learning rate {}, expected 0 or more", name_,
                 lr);
  lr_ = lr;
}

std::vector<Tensor> Optimizer::parameters() const {
  std::vector<Tensor> result;
  for (const Item& item : items_) result.push_back(item.parameter);
  return result;
}

NamedTensors Optimizer::state() const {
  NamedTensors result = {{"lr", full({}, lr_, {DType::float64})}};
  for (size_t i = 0; i < items_.size(); ++i) {
    result.emplace_back(fmt::format("{}.steps", i), from_values<int64_t>({items_[i].steps}, {}));
    for (size_t k = 0; k < memory_names_.size(); ++k)
      result.emplace_back(fmt::format("{}.{}", i, memory_names_[k]), items_[i].memory[k].clone());
  }
  return result;
}

void Optimizer::load_state(const NamedTensors& state) {
  const std::string problems = mismatches(state, this->state());
  require<Error>(problems.empty(), "{}: load_state: {}", name_, problems);
  const std::unordered_map<std::string, Tensor> given(state.begin(), state.end());
  set_lr(given.at("lr").item<double>());
  for (size_t i = 0; i < items_.size(); ++i) {
    items_[i].steps = given.at(fmt::format("{}.steps", i)).item<int64_t>();
    for (size_t k = 0; k < memory_names_.size(); ++k)
      items_[i].memory[k].copy_(given.at(fmt::format("{}.{}", i, memory_names_[k])));
  }
}

}  // namespace tuco
