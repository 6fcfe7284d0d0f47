// Optimizer: what all optimizers share: groups of parameters with settings of their own, the
// learning rate that schedules turn, and a state that can be saved, so that resumed training
// continues bit for bit.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "tuco/core/ops/any.h"
#include "tuco/core/safetensors.h"
#include "tuco/core/tensor.h"

namespace tuco {

/// Parameters with settings of their own.
struct ParameterGroup {
  std::vector<Tensor> parameters;
  /// Their learning rate is this times the optimizer's.
  double lr_factor = 1;
  /// Instead of the optimizer's own.
  std::optional<double> weight_decay = {};
};

/// Two groups: tensors of rank 2 and more, and the others (biases, norms) without weight decay.
std::vector<ParameterGroup> without_decay_of_vectors(const std::vector<Tensor>& parameters);

/// The base of all optimizers. It holds handles to parameters, and changes them in place.
class Optimizer {
 public:
  virtual ~Optimizer() = default;
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;

  /// Forgets all gradients.
  void zero_grad();
  /// Changes each parameter that has a gradient.
  void step();

  double lr() const { return lr_; }
  /// Throws Error unless lr is finite and not negative.
  void set_lr(double lr);
  /// All parameters, group by group.
  std::vector<Tensor> parameters() const;

  /// The learning rate, and for each parameter how many steps it made and what is remembered of
  /// them: "lr", "0.steps", "0.velocity". The tensors are copies.
  NamedTensors state() const;
  /// Restores what state() gave, for the same parameters in the same order. Throws Error naming
  /// what is missing, unexpected or of another shape or type; nothing is changed then.
  void load_state(const NamedTensors& state);

 protected:
  /// Throws Error if there are no parameters, if one is there twice, does not require a gradient or
  /// is not dense, or if lr or weight_decay is negative.
  Optimizer(const char* name, const std::vector<ParameterGroup>& groups, double lr,
            double weight_decay, std::vector<std::string> memory_names);
  /// The op that makes one step of all parameters with the same settings: its inputs are their
  /// gradients, its outputs the parameters and then what is remembered, name by name. `steps`
  /// counts this step already.
  virtual op::Any step_op(double lr, double weight_decay, int64_t steps) const = 0;

 private:
  /// One parameter with its memory.
  struct Item {
    Tensor parameter;
    double lr_factor, weight_decay;
    int64_t steps = 0;
    /// One for each name in `memory_names`, shaped as the parameter, zero at the start.
    std::vector<Tensor> memory;

    bool goes_with(const Item& other) const;
  };

  std::string name_;
  std::vector<std::string> memory_names_;
  std::vector<Item> items_;
  double lr_ = 0;
};

}  // namespace tuco
