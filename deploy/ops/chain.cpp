#include "tuco/deploy/ops/chain.h"

#include <cmath>

#include "tuco/autograd/functions.h"
#include "tuco/core/error.h"
#include "tuco/deploy/rules.h"

namespace tuco::deploy {
namespace {

/// A graph on a vector, step by step.
class Chain {
 public:
  explicit Chain(const Quantization& in) : last_(add(in)) { graph_.inputs = {last_}; }

  int last() const { return last_; }
  /// A constant of one number.
  int number(double value) {
    const auto real = static_cast<float>(value);
    require<UnsupportedOp>(std::isfinite(real), "affine: {} has no int8 form", value);
    const Quantization q = Quantizer::covering({real, real});
    const Tensor integer = quantize_values(full({1}, real), q);
    return graph_.add_value({"number", integer.meta(), integer, q});
  }
  void step(const op::Any& op, std::vector<int> inputs, const Quantization& out) {
    last_ = add(out);
    graph_.nodes.push_back({op, std::move(inputs), {last_}, "", {}});
  }
  Graph take() {
    graph_.outputs = {last_};
    return std::move(graph_);
  }

 private:
  int add(const Quantization& q) { return graph_.add_value({"", {Shape{1}, DType::int8}, {}, q}); }

  Graph graph_;
  int last_;
};

/// The scale in which a factor changes no integer but for the sign, which turns q into -1 - q.
Quantization multiplied(const Quantization& q, double factor) {
  const float scale = q.scale[0] * static_cast<float>(std::abs(factor));
  require<UnsupportedOp>(std::isnormal(scale), "affine: {} times a scale of {} has no int8 form",
                         factor, q.scale[0]);
  return {{scale},
          {factor > 0 ? q.zero_point[0] : -1 - q.zero_point[0]},
          -1};
}

}  // namespace

std::optional<Graph> chain_of(const op::Affine& op, const Quantization& in,
                              const Quantization& out) {
  Chain chain(in);
  const bool shifts = op.shift != 0;
  if (op.scale == -1 && shifts) {
    chain.step(op::Sub{}, {chain.number(op.shift), chain.last()}, out);
    return chain.take();
  }
  if (op.scale != 1)
    chain.step(op::Mul{}, {chain.last(), chain.number(op.scale)},
               shifts && op.scale != 0 ? multiplied(in, op.scale)
               : shifts                ? in
                                       : out);
  if (shifts) chain.step(op::Add{}, {chain.last(), chain.number(op.shift)}, out);
  // A clamp without bounds is a change of scale.
  if (op.scale == 1 && !shifts) chain.step(op::Clamp{}, {chain.last()}, out);
  return chain.take();
}

std::optional<Graph> chain_of(const op::Power& op, const Quantization& in,
                              const Quantization& out) {
  if (op.exponent != 2) return {};
  Chain chain(in);
  chain.step(op::Mul{}, {chain.last(), chain.last()}, out);
  return chain.take();
}

}  // namespace tuco::deploy
