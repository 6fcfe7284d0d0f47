// Ema: an exponential moving average of a network's weights, which often evaluates better than the
// weights themselves (Polyak and Juditsky, SIAM J. Control Optim. 30, 1992). It takes
// Module::state(), so that running statistics are averaged too.
#pragma once
#include "tuco/core/safetensors.h"

namespace tuco {

/// Settings of Ema.
struct EmaOptions {
  /// Share of the average that stays at each update, in [0, 1).
  double decay = 0.999;
  /// Begin with less: at most (1 + updates) / (10 + updates).
  bool warm_up = true;
};

/// The average of floating-point tensors; integers are copied.
class Ema {
 public:
  /// Begins with copies of `tensors`. Throws Error if the decay is out of range.
  explicit Ema(const NamedTensors& tensors, const EmaOptions& options = {});

  /// Moves the average towards the tensors' values: after each step of the optimizer. Throws Error
  /// while swapped.
  void update();
  /// Exchanges the values of the tensors and the average, in place; twice leaves all as it was.
  void swap();
  bool is_swapped() const { return swapped_; }

  /// The tensors have the averages' values as long as one lives: for evaluation and saving.
  class Scope {
   public:
    explicit Scope(Ema& ema) : ema_(ema) { ema_.swap(); }
    ~Scope() { ema_.swap(); }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    Ema& ema_;
  };

  /// The averages by the tensors' names, and "ema.updates"; copies.
  NamedTensors state() const;
  /// Restores what state() gave. Throws Error naming what is missing, unexpected or of another
  /// shape or type; nothing is changed then.
  void load_state(const NamedTensors& state);

 private:
  struct Item {
    std::string name;
    Tensor tensor, average;
  };
  EmaOptions options_;
  std::vector<Item> items_;
  int64_t updates_ = 0;
  bool swapped_ = false;
};

}  // namespace tuco
