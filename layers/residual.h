// Residual: a block with a way around it (He et al., arXiv:1512.03385).
#pragma once
#include "tuco/layers/module.h"

namespace tuco {

/// Options of Residual.
struct ResidualOptions {
  Module body;
  /// What x goes through on the way around: nothing, or a module that brings it to the body's
  /// shape.
  Module shortcut = {};
  /// Whether ReLU follows the sum.
  bool relu = true;
};

struct ResidualBody : Module::Body {
  /// Registers "body" and, if there is one, "shortcut". Throws Error without a body.
  explicit ResidualBody(const ResidualOptions& options);
  Tensor forward(const Tensor& x) override;
  std::string describe() const override;

  Module body, shortcut;
  const bool relu;
};

/// relu(body(x) + shortcut(x)), the sum and ReLU as one op, in training mode with the batch norm
/// that ends a Sequential body: Residual{Sequential{...}}, or Residual{{.body = Sequential{...},
/// .shortcut = Conv2d{{...}}, .relu = false}}.
class Residual : public ModuleOf<ResidualBody> {
 public:
  using ModuleOf::ModuleOf;
  explicit Residual(const ResidualOptions& options) : ModuleOf(options) {}
  template <std::derived_from<Module> M>
  requires(!std::derived_from<M, ModuleOf<ResidualBody>>) explicit Residual(const M& body)
      : ModuleOf(ResidualOptions{.body = body}) {}
};

}  // namespace tuco
