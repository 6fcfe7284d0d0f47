#include "tuco/autograd/run_op.h"

#include "tuco/autograd/grad_mode.h"
#include "tuco/autograd/rules.h"
#include "tuco/core/error.h"

namespace tuco {
namespace {

thread_local bool recording = true;
thread_local Tracer* tracer = nullptr;

template <class Op>
concept HasInfer = requires(const Op& op, Metas metas) {
  { infer(op, metas) } -> std::same_as<OutputMetas>;
};
template <class Op>
concept HasBackward = requires(const Op& op, Saved&& saved, Grads gradients, const Needs& needs) {
  { backward(op, std::move(saved), gradients, needs) } -> std::same_as<Grads>;
};
template <class Op>
concept HasLower = requires(const Op& op, Inputs inputs) {
  { lower(op, inputs) } -> std::same_as<Outputs>;
};

template <class Op>
constexpr bool is_complete() {
  static_assert(HasInfer<Op>, "the op has no infer rule (autograd/rules.h)");
  static_assert(HasBackward<Op> != (no_gradient<Op> != nullptr),
                "the op needs a backward rule, or a reason in no_gradient, and not both");
  return true;
}
template <class... Op>
constexpr bool are_complete(const std::variant<Op...>*) {
  return (is_complete<Op>() && ...);
}
static_assert(are_complete(static_cast<op::Any*>(nullptr)));

std::vector<TensorMeta> metas_of(Inputs inputs) {
  std::vector<TensorMeta> metas;
  metas.reserve(inputs.size());
  for (const Tensor& tensor : inputs) metas.push_back(tensor.meta());
  return metas;
}

}  // namespace

bool grad_enabled() { return recording; }
NoGrad::NoGrad() : before_(recording) { recording = false; }
NoGrad::~NoGrad() { recording = before_; }

WithGrad::WithGrad() : before_(recording) { recording = true; }
WithGrad::~WithGrad() { recording = before_; }

TracerScope::TracerScope(Tracer* installed) : before_(tracer) { tracer = installed; }
TracerScope::~TracerScope() { tracer = before_; }
Tracer* current_tracer() { return tracer; }

std::vector<TensorMeta> infer_op(const op::Any& any, std::span<const TensorMeta> inputs) {
  return std::visit([&](const auto& op) { return infer(op, inputs); }, any);
}

Outputs compute(const op::Any& any, Inputs inputs, Outputs outputs) {
  const auto metas = infer_op(any, metas_of(inputs));
  outputs.resize(metas.size());
  for (size_t i = 0; i < metas.size(); ++i)
    if (!outputs[i].defined()) outputs[i] = empty(metas[i]);
  Workspace workspace;
  backend(outputs.at(0).device()).run(any, inputs, outputs, workspace);
  return outputs;
}

void run_in_place(const op::Any& any, Inputs inputs, std::span<Tensor> changed) {
  Workspace workspace;
  backend(changed[0].device()).run(any, inputs, changed, workspace);
  for (const Tensor& tensor : changed) tensor.storage()->bump_version();
}

Outputs run_op(const op::Any& any, Inputs inputs) {
  for (const Tensor& tensor : inputs)
    require<Error>(tensor.defined(), "{}: an input is an undefined tensor", name(any));
  return std::visit(
      [&]<class Op>(const Op& op) -> Outputs {
        if constexpr (HasLower<Op>)
          if (tracer) return lower(op, inputs);
        const bool needs_grad =
            recording && no_gradient<Op> == nullptr &&
            std::ranges::any_of(inputs, [](const Tensor& t) { return t.requires_grad(); });
        Saved saved;
        Outputs outputs = [&] {
          // What a rule runs inside belongs to the op; it is neither recorded nor traced.
          NoGrad quiet;
          TracerScope no_tracer(nullptr);
          return forward(op, inputs, needs_grad ? &saved : nullptr);
        }();
        if (needs_grad) record(op, inputs, outputs, std::move(saved));
        if (tracer) tracer->record(op, inputs, outputs);
        return outputs;
      },
      any);
}

/// Runs the backward rule of a node; called by the tape.
Grads run_backward(const op::Any& any, Saved&& saved, Grads gradients, const Needs& needs) {
  return std::visit(
      [&]<class Op>(const Op& op) -> Grads {
        if constexpr (HasBackward<Op>) {
          return backward(op, std::move(saved), std::move(gradients), needs);
        } else {
          fail<Error>("{}: no gradient: {}", Op::name, no_gradient<Op>);
        }
      },
      any);
}

bool is_differentiable(const op::Any& any, int index) {
  const bool first_only = std::holds_alternative<op::MaxPool2d>(any) ||
                          std::holds_alternative<op::BatchNormTrain>(any) ||
                          std::holds_alternative<op::BatchNormRelu>(any) ||
                          std::holds_alternative<op::BatchNormReluPool>(any);
  return index == 0 || !first_only;
}

void require_inputs(std::string_view op, size_t count, size_t least, size_t most) {
  require<ShapeError>(
      count >= least && count <= most, "{}: {} inputs, expected {}", op, count,
      least == most ? fmt::format("{}", least) : fmt::format("{} to {}", least, most));
}

void require_alike(std::string_view op, Metas inputs) {
  for (const TensorMeta& meta : inputs) {
    require<DTypeError>(meta.dtype == inputs[0].dtype, "{}: types {} and {} differ", op,
                        inputs[0].dtype, meta.dtype);
    require<DeviceError>(meta.device == inputs[0].device, "{}: devices {} and {} differ", op,
                         inputs[0].device, meta.device);
  }
}

void require_floating(std::string_view op, DType dtype) {
  require<DTypeError>(is_floating(dtype), "{}: input is {}, expected a floating-point type", op,
                      dtype);
}

}  // namespace tuco
