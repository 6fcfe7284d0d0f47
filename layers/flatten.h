// Layers that leave the values as they are.
#pragma once
#include "tuco/layers/module.h"

namespace tuco {

struct FlattenBody : Module::Body {
  Tensor forward(const Tensor& x) override;
};
struct IdentityBody : Module::Body {
  Tensor forward(const Tensor& x) override { return x; }
};

/// (n, ...) becomes (n, product of the rest), row-major: images in the order (y, x, channel).
using Flatten = ModuleOf<FlattenBody>;
/// Gives back what comes in.
using Identity = ModuleOf<IdentityBody>;

}  // namespace tuco
