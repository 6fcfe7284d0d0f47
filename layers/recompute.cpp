#include "tuco/layers/recompute.h"

#include "tuco/autograd/functions.h"
#include "tuco/autograd/grad_mode.h"
#include "tuco/autograd/run_op.h"
#include "tuco/core/error.h"
#include "tuco/core/ops/custom.h"
#include "tuco/core/rng.h"

namespace tuco {
namespace {

thread_local bool recomputing = false;

/// A part of a network as one op of x and the part's parameters. Its backward walks a tape of its
/// own, which adds to the parameters' gradients.
class Recomputation final : public CustomOp {
 public:
  Recomputation(const Module& part, const Tensor& x) : part_(part) {
    const NoGrad quiet;
    const RandomLog::Record record(draws_);
    result_ = part_(x);
    meta_ = result_.meta();
  }

  std::string name() const override { return "recompute"; }
  std::vector<TensorMeta> infer(std::span<const TensorMeta>) const override { return {meta_}; }

  std::vector<Tensor> forward(std::span<const Tensor> inputs,
                              std::vector<Tensor>& saved) const override {
    saved.assign(inputs.begin(), inputs.end());
    return {std::exchange(result_, {})};
  }

  std::vector<Tensor> backward(std::span<const Tensor> saved,
                               std::span<const Tensor> gradients) const override {
    Tensor x = saved[0].detach();
    if (is_floating(x.dtype())) x.requires_grad_();
    {
      const bool before = std::exchange(recomputing, true);
      struct Restore {
        bool value;
        ~Restore() { recomputing = value; }
      } restore{before};
      const WithGrad recording;
      const RandomLog::Replay replay(draws_);
      part_(x).backward(gradients[0]);
    }
    std::vector<Tensor> result(saved.size());
    result[0] = x.grad();
    return result;
  }

 private:
  Module part_;
  RandomLog draws_;
  TensorMeta meta_;
  mutable Tensor result_;  // until forward gives it away
};

}  // namespace

Tensor recompute(const Module& module, const Tensor& x) {
  require<Error>(module.defined(), "recompute: the handle refers to nothing");
  std::vector<Tensor> inputs = {x};
  for (const Tensor& parameter : module.parameters()) inputs.push_back(parameter);
  const bool needed =
      std::ranges::any_of(inputs, [](const Tensor& t) { return t.requires_grad(); });
  if (!grad_enabled() || !needed || current_tracer() != nullptr) return module(x);
  return custom(std::make_shared<Recomputation>(module, x), inputs)[0];
}

bool is_recomputing() { return recomputing; }

}  // namespace tuco
