// Activations as layers; all but Softmax are point-wise.
#pragma once
#include "tuco/layers/module.h"

namespace tuco {

struct ReLUBody : Module::Body {
  Tensor forward(const Tensor& x) override;
};
struct ReLU6Body : Module::Body {
  Tensor forward(const Tensor& x) override;
};
struct LeakyReLUBody : Module::Body {
  explicit LeakyReLUBody(double s = 0.01) : slope(s) {}
  Tensor forward(const Tensor& x) override;
  std::string describe() const override;
  const double slope;
};
/// Options of PReLU: `channels` slopes, one for each number of the last dimension, or one for all,
/// and what they are before training.
struct PReLUOptions {
  int64_t channels = 1;
  double slope = 0.25;
};
struct PReLUBody : Module::Body {
  /// Throws ShapeError if `channels` is not positive.
  explicit PReLUBody(const PReLUOptions& options = {});
  Tensor forward(const Tensor& x) override;
  std::string describe() const override;

  const PReLUOptions options;
  /// (channels,).
  Parameter weight;
};
struct ELUBody : Module::Body {
  Tensor forward(const Tensor& x) override;
};
struct HardSwishBody : Module::Body {
  Tensor forward(const Tensor& x) override;
};
struct TanhBody : Module::Body {
  Tensor forward(const Tensor& x) override;
};
struct SigmoidBody : Module::Body {
  Tensor forward(const Tensor& x) override;
};
struct SoftmaxBody : Module::Body {
  Tensor forward(const Tensor& x) override;
};

/// max(x, 0).
using ReLU = ModuleOf<ReLUBody>;
/// min(max(x, 0), 6).
using ReLU6 = ModuleOf<ReLU6Body>;
/// x from 0 on, slope * x below: LeakyReLU{0.1}; 0.01 where none is given.
using LeakyReLU = ModuleOf<LeakyReLUBody>;
/// x from 0 on, exp(x) - 1 below (Clevert et al., arXiv:1511.07289).
using ELU = ModuleOf<ELUBody>;
/// x from 0 on, a learned slope * x below (He et al., arXiv:1502.01852): PReLU{{.channels = 16}}.
class PReLU : public ModuleOf<PReLUBody> {
 public:
  using ModuleOf::ModuleOf;
  explicit PReLU(const PReLUOptions& options) : ModuleOf(options) {}
};
/// x * relu6(x + 3) / 6 (Howard et al., arXiv:1905.02244).
using HardSwish = ModuleOf<HardSwishBody>;
using Tanh = ModuleOf<TanhBody>;
/// 1 / (1 + exp(-x)).
using Sigmoid = ModuleOf<SigmoidBody>;
/// Softmax over the last dimension. Losses take logits: a network that is trained ends before it.
using Softmax = ModuleOf<SoftmaxBody>;

}  // namespace tuco
