// Sequential: modules one after the other, named "0", "1", ...; neighbours that one fused op
// computes are planned when it is built.
#pragma once
#include <initializer_list>
#include <limits>
#include <vector>

#include "tuco/layers/module.h"

namespace tuco {

struct SequentialBody : Module::Body {
  explicit SequentialBody(const std::vector<Module>& modules = {});
  Tensor forward(const Tensor& x) override;
  /// How many modules there are.
  size_t size() const { return children().size(); }
  /// Appends a module; it gets the next number as its name.
  void append(const Module& module);
  /// Runs the first `count` modules.
  Tensor forward_first(const Tensor& x, size_t count) const;

 private:
  /// Children [first, first + count) that run as one: BatchNorm, ReLU and maybe MaxPool2d, or a
  /// weighted layer and ReLU.
  struct Fused {
    size_t first, count;
    /// Side of the pooling; 1 is none.
    int64_t pool = 1;
    /// Where ReLU cuts above.
    double high = std::numeric_limits<double>::infinity();
  };
  /// The result, or an undefined tensor if the run has to go one by one for such an input.
  Tensor run_fused(const Fused& fused, const Tensor& x) const;
  void plan();

  std::vector<Fused> fused_runs_;
};

/// Sequential{Conv2d{{...}}, BatchNorm{32}, ReLU{}, MaxPool2d{2}}. Batch norm, ReLU and a max
/// pooling with stride = kernel run as one op in training mode; a convolution or linear layer and
/// ReLU or ReLU6 always. While tracing, and after fuse(false), each runs as itself.
class Sequential : public ModuleOf<SequentialBody> {
 public:
  using ModuleOf::ModuleOf;
  Sequential(std::initializer_list<Module> modules)
      : ModuleOf(std::vector<Module>(modules.begin(), modules.end())) {}
  Sequential(const ModuleOf<SequentialBody>& other)
      : ModuleOf(other) {}  // NOLINT: what clone() gives
  Sequential() : ModuleOf(std::vector<Module>()) {}
  /// The `i`-th module.
  const Module& operator[](size_t i) const { return children().at(i).second; }
  size_t size() const { return children().size(); }
};

}  // namespace tuco
