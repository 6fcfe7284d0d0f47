// Dropout as a layer (Srivastava et al., JMLR 15, 2014).
#pragma once
#include "tuco/layers/module.h"

namespace tuco {

struct DropoutBody : Module::Body {
  /// Throws Error unless p is in [0, 1).
  explicit DropoutBody(double p);
  Tensor forward(const Tensor& x) override;
  std::string describe() const override;
  const double p;
};

/// In training mode zeroes elements with probability p and divides the others by 1 - p, from the
/// program's generator; in evaluation hands x through.
class Dropout : public ModuleOf<DropoutBody> {
 public:
  using ModuleOf::ModuleOf;
  explicit Dropout(double p) : ModuleOf(p) {}
};

}  // namespace tuco
