// Lstm: a long short-term memory as a layer, over sequences (core/ops/lstm.h).
#pragma once
#include <optional>

#include "tuco/autograd/functions.h"
#include "tuco/layers/module.h"

namespace tuco {

/// Options of Lstm.
struct LstmOptions {
  /// Features of a step, and units.
  int64_t in = 0, units = 0;
  /// Gives the hidden state after the last step alone, (n, units).
  bool last_only = false;
  /// What the biases of the forget gates begin at, if not at random: with 1, memories last from the
  /// start (Jozefowicz et al., "An empirical exploration of recurrent network architectures",
  /// 2015).
  std::optional<double> forget_bias = {};
  /// Cells are clamped to [-cell_clip, cell_clip] after each step; 0: they are not.
  double cell_clip = 0;
};

struct LstmBody : Module::Body {
  /// Weights and bias begin uniform in +-1 / sqrt(units), as PyTorch's. Throws ShapeError if a size
  /// is not positive, and Error if the clip is negative.
  explicit LstmBody(const LstmOptions& options);
  /// From states of zeros; they have no batch, so that a traced graph holds for any.
  Tensor forward(const Tensor& x) override;
  /// From given states, (n, units) or (1, units), and with the last ones; y has all steps, whatever
  /// the options say.
  LstmResult forward(const Tensor& x, const Tensor& hidden, const Tensor& cell);
  std::string describe() const override;

  const LstmOptions options;
  /// (4 units, in), (4 units, units) and (4 units,): the gates in the order input, forget, cell,
  /// output.
  Parameter weight, recurrent, bias;
};

/// Sequences (n, t, in) to the hidden states (n, t, units), or to the last one, (n, units):
/// Lstm{{.in = 28, .units = 20, .last_only = true}}. Called with states, it gives the last ones,
/// with which a stream goes on:
///   LstmResult r = lstm(x, zeros({1, 20}), zeros({1, 20}));
///   r = lstm(more, r.hidden, r.cell);
class Lstm : public ModuleOf<LstmBody> {
 public:
  using ModuleOf::ModuleOf;
  explicit Lstm(const LstmOptions& options) : ModuleOf(options) {}

  using ModuleOf::operator();
  /// All hidden states and the last states, from given ones.
  LstmResult operator()(const Tensor& x, const Tensor& hidden, const Tensor& cell) const;
};

}  // namespace tuco
