#include "tests/ops/op_checks.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "tuco/autograd/functions.h"
#include "tuco/autograd/grad_mode.h"
#include "tuco/autograd/rules.h"
#include "tuco/autograd/run_op.h"
#include "tuco/core/error.h"

namespace tuco::test {
namespace {

/// The numbers of a tensor of any type, on any device.
std::vector<double> numbers(const Tensor& tensor) {
  NoGrad quiet;
  return tensor.detach().to(Device::cpu()).to(DType::float64).to_vector<double>();
}

bool has_gradient(const op::Any& any) {
  return std::visit([]<class Op>(const Op&) { return no_gradient<Op> == nullptr; }, any);
}

bool gives_gradient(const Sample& sample, const Outputs& outputs, size_t i) {
  return is_differentiable(sample.op, static_cast<int>(i)) && is_floating(outputs[i].dtype());
}

/// The inputs that can have a gradient.
std::vector<int> differentiable_inputs(const Sample& sample, const std::vector<Tensor>& inputs) {
  std::vector<int> list;
  if (!has_gradient(sample.op)) return list;
  const Outputs outputs = results(sample.op, inputs);
  bool any = false;
  for (size_t i = 0; i < outputs.size(); ++i) any |= gives_gradient(sample, outputs, i);
  for (size_t i = 0; any && i < inputs.size(); ++i)
    if (is_floating(inputs[i].dtype())) list.push_back(static_cast<int>(i));
  return list;
}

/// Numbers that weight an output's elements, so that the loss is their sum; of both signs.
Tensor weights(const Tensor& output, size_t index) {
  NoGrad quiet;
  return spread(output.shape(), 40 + index, -1, 1.5).to(output.dtype()).to(output.device());
}

double loss(const Sample& sample, const std::vector<Tensor>& inputs) {
  const Outputs outputs = results(sample.op, inputs);
  double total = 0;
  for (size_t i = 0; i < outputs.size(); ++i) {
    if (!gives_gradient(sample, outputs, i)) continue;
    const auto y = numbers(outputs[i]), w = numbers(weights(outputs[i], i));
    for (size_t j = 0; j < y.size(); ++j) total += y[j] * w[j];
  }
  return total;
}

/// Leaves with the inputs' bytes; those in `wanted` require a gradient.
std::vector<Tensor> leaves(const std::vector<Tensor>& inputs, const std::vector<int>& wanted) {
  std::vector<Tensor> list;
  for (const Tensor& input : inputs) list.push_back(input.detach());
  for (const int i : wanted) list[i].requires_grad_();
  return list;
}

/// Runs the op on leaves and walks back from the weighted sum of its outputs.
void run_backward(const Sample& sample, const std::vector<Tensor>& inputs) {
  const Outputs outputs = run_op(sample.op, inputs);
  Tensor total;
  for (size_t i = 0; i < outputs.size(); ++i) {
    if (!gives_gradient(sample, outputs, i)) continue;
    const Tensor part = sum((outputs[i] * weights(outputs[i], i)).to(DType::float64));
    total = total.defined() ? total + part : part;
  }
  total.backward();
}

std::vector<Tensor> gradients(const Sample& sample, const std::vector<Tensor>& inputs,
                              const std::vector<int>& wanted) {
  const auto list = leaves(inputs, wanted);
  run_backward(sample, list);
  std::vector<Tensor> result;
  for (const Tensor& leaf : list) result.push_back(leaf.grad());
  return result;
}

/// Views, and what leaves the device: they have no kernel to fill outputs.
bool has_kernel(const op::Any& any) {
  return !std::holds_alternative<op::Slice>(any) && !std::holds_alternative<op::Permute>(any) &&
         !std::holds_alternative<op::Reshape>(any) && !std::holds_alternative<op::Expand>(any) &&
         !std::holds_alternative<op::ToDevice>(any) && !std::holds_alternative<op::Custom>(any);
}

/// The rule's own answer when asked for some gradients.
Grads ask_rule(const Sample& sample, const std::vector<Tensor>& inputs, const Needs& needs) {
  NoGrad quiet;
  return std::visit(
      [&]<class Op>(const Op& op) -> Grads {
        if constexpr (no_gradient<Op> == nullptr) {
          Saved saved;
          const Outputs outputs = forward(op, inputs, &saved);
          Grads incoming;
          for (size_t i = 0; i < outputs.size(); ++i)
            incoming.push_back(gives_gradient(sample, outputs, i) ? weights(outputs[i], i)
                                                                  : Tensor());
          return backward(op, std::move(saved), std::move(incoming), needs);
        } else {
          return {};
        }
      },
      sample.op);
}

/// One kernel makes all the gradients of these, or a user's op that knows nothing of needs.
bool makes_all_gradients(const op::Any& any) {
  return std::holds_alternative<op::BatchNormTrain>(any) ||
         std::holds_alternative<op::BatchNormRelu>(any) ||
         std::holds_alternative<op::BatchNormReluPool>(any) ||
         std::holds_alternative<op::Custom>(any);
}

/// The same numbers with a gap after each element, along every dimension.
Tensor with_gaps(const Tensor& x) {
  Shape doubled = x.shape();
  for (int64_t& size : doubled) size = 2 * size + 1;
  Tensor view = zeros(doubled, {x.dtype(), x.device()});
  for (int d = 0; d < x.rank(); ++d) view = slice(view, d, 1, 1 + 2 * x.dim(d), 2);
  view.copy_(x);
  return view;
}

/// The same numbers, stored with the dimensions in opposite order.
Tensor turned_around(const Tensor& x) {
  Dims order(x.rank());
  for (int d = 0; d < x.rank(); ++d) order[d] = x.rank() - 1 - d;
  return permute(contiguous(permute(x, order)), order);
}

/// The first index of the first dimension, broadcast over it.
Tensor repeated(const Tensor& x) {
  return x.rank() == 0 || x.dim(0) == 0 ? x : expand(slice(x, 0, 0, 1), x.shape());
}

}  // namespace

void expect_close(const Tensor& got, const Tensor& expected, double tolerance,
                  const std::string& what) {
  ASSERT_EQ(got.defined(), expected.defined()) << what;
  if (!got.defined()) return;
  ASSERT_EQ(got.shape(), expected.shape()) << what;
  const auto a = numbers(got), b = numbers(expected);
  double square = 0;
  for (const double v : b) square += v * v;
  const double rms = std::sqrt(square / std::max<double>(1, static_cast<double>(b.size())));
  for (size_t i = 0; i < a.size(); ++i)
    if (!(std::abs(a[i] - b[i]) <= tolerance * (rms + 1e-3)) && a[i] != b[i]) {
      ADD_FAILURE() << what << ": element " << i << " of " << got.shape().to_string() << " is "
                    << a[i] << ", expected " << b[i] << " (root mean square " << rms << ")";
      return;
    }
}

std::vector<Tensor> inputs_as(const Sample& sample, DType floating, Device device) {
  std::vector<Tensor> inputs;
  for (const Tensor& input : sample.inputs)
    inputs.push_back((is_floating(input.dtype()) ? input.to(floating) : input).to(device));
  return inputs;
}

void expect_inferred(const Sample& sample, DType floating, Device device) {
  const auto inputs = inputs_as(sample, floating, device);
  std::vector<TensorMeta> metas;
  for (const Tensor& input : inputs) metas.push_back(input.meta());
  const auto inferred = infer_op(sample.op, metas);
  const Outputs outputs = results(sample.op, inputs);
  ASSERT_EQ(outputs.size(), inferred.size());
  for (size_t i = 0; i < outputs.size(); ++i) {
    EXPECT_EQ(outputs[i].shape(), inferred[i].shape) << "output " << i;
    EXPECT_EQ(outputs[i].dtype(), inferred[i].dtype) << "output " << i;
    EXPECT_EQ(outputs[i].device(), inferred[i].device) << "output " << i;
  }
}

void expect_all_written(const Sample& sample, DType floating, Device device) {
  const auto inputs = inputs_as(sample, floating, device);
  const Outputs expected = results(sample.op, inputs);
  Outputs outputs;
  for (const Tensor& tensor : expected) {
    outputs.push_back(empty(tensor.meta()));
    const std::vector<uint8_t> ones(tensor.numel() * size_of(tensor.dtype()), 0xFF);
    backend(tensor.device()).copy_from_host(outputs.back().raw(), ones.data(), ones.size());
  }
  const Tensor arena = empty({4 << 20}, {DType::uint8, device});
  const std::vector<uint8_t> ones(arena.numel(), 0xFF);
  backend(device).copy_from_host(arena.raw(), ones.data(), ones.size());
  Workspace workspace(nullptr, {static_cast<std::byte*>(arena.raw()), ones.size()});
  if (!has_kernel(sample.op)) {
    EXPECT_THROW(backend(device).run(sample.op, inputs, outputs, workspace), UnsupportedOp);
    return;
  }
  backend(device).run(sample.op, inputs, outputs, workspace);
  for (size_t i = 0; i < outputs.size(); ++i)
    expect_close(outputs[i], expected[i], 0, fmt::format("pre-filled output {}", i));
}

void expect_bound_agrees(const Sample& sample, DType floating, Device device) {
  const auto inputs = inputs_as(sample, floating, device);
  if (!has_kernel(sample.op)) {
    EXPECT_THROW(backend(device).bind(sample.op, inputs, {}, nullptr), UnsupportedOp);
    return;
  }
  std::vector<Tensor> own, constants(inputs.size());
  for (const Tensor& input : inputs) own.push_back(input.clone());
  for (size_t i = 1; i < own.size(); ++i) constants[i] = own[i];
  const auto packed = backend(device).prepare(sample.op, constants);
  for (const Prepared* prepared : std::array<const Prepared*, 2>{nullptr, packed.get()}) {
    Outputs outputs;
    for (const Tensor& tensor : results(sample.op, own)) outputs.push_back(empty(tensor.meta()));
    const auto bound = backend(device).bind(sample.op, own, outputs, prepared);
    const auto expect_results = [&](const std::string& what) {
      bound->run();
      const Outputs expected = results(sample.op, own);
      for (size_t i = 0; i < outputs.size(); ++i)
        expect_close(outputs[i], expected[i], prepared ? sample.float32_tolerance : 0,
                     fmt::format("{} {}, prepared {}", what, i, prepared != nullptr));
    };
    expect_results("bound output");
    own.at(0).fill_(0.25);
    expect_results("bound output from other bytes");
    own[0].copy_(inputs[0]);
  }
}

void expect_float32_agrees(const Sample& sample, Device device) {
  const auto narrow = inputs_as(sample, DType::float32, device);
  std::vector<Tensor> wide;
  for (const Tensor& input : narrow)
    wide.push_back(is_floating(input.dtype()) ? input.to(DType::float64) : input);
  const Outputs a = results(sample.op, narrow), b = results(sample.op, wide);
  for (size_t i = 0; i < a.size(); ++i)
    expect_close(a[i], b[i], sample.float32_tolerance, fmt::format("float32 output {}", i));
  const auto wanted = differentiable_inputs(sample, narrow);
  if (wanted.empty()) return;
  const auto g = gradients(sample, narrow, wanted), exact = gradients(sample, wide, wanted);
  for (const int i : wanted)
    expect_close(g[i], exact[i], sample.float32_tolerance, fmt::format("float32 gradient {}", i));
}

void expect_gradient(const Sample& sample, Device device) {
  const auto inputs = inputs_as(sample, DType::float64, device);
  const auto wanted = differentiable_inputs(sample, inputs);
  if (wanted.empty()) return;
  const auto analytic = gradients(sample, inputs, wanted);
  for (const int i : wanted) {
    ASSERT_TRUE(analytic[i].defined()) << "no gradient of input " << i;
    EXPECT_EQ(analytic[i].dtype(), inputs[i].dtype());
    const auto values = numbers(inputs[i]);
    std::vector<double> differences(values.size());
    for (size_t j = 0; j < values.size(); ++j) {
      const auto at = [&](double value) {
        auto moved = values;
        moved[j] = value;
        auto changed = inputs;
        changed[i] = from_values(moved, inputs[i].shape()).to(device);
        return loss(sample, changed);
      };
      differences[j] =
          (at(values[j] + sample.step) - at(values[j] - sample.step)) / (2 * sample.step);
    }
    expect_close(analytic[i], from_values(differences, inputs[i].shape()), 1e-6,
                 fmt::format("gradient of input {} against central differences", i));
  }
}

void expect_gradients_accumulate(const Sample& sample, Device device) {
  const auto inputs = inputs_as(sample, DType::float64, device);
  const auto wanted = differentiable_inputs(sample, inputs);
  if (wanted.empty()) return;
  const auto once = gradients(sample, inputs, wanted);
  const auto list = leaves(inputs, wanted);
  run_backward(sample, list);
  run_backward(sample, list);
  for (const int i : wanted)
    expect_close(list[i].grad(), once[i] * 2, 1e-14, fmt::format("accumulated gradient {}", i));

  for (unsigned subset = 1; subset < 1u << wanted.size(); ++subset) {
    std::vector<int> some;
    Needs needs(inputs.size(), false);
    for (size_t k = 0; k < wanted.size(); ++k)
      if (subset >> k & 1) {
        some.push_back(wanted[k]);
        needs[wanted[k]] = true;
      }
    const auto partial = gradients(sample, inputs, some);
    const Grads answer = ask_rule(sample, inputs, needs);
    ASSERT_EQ(answer.size(), inputs.size());
    for (size_t i = 0; i < inputs.size(); ++i) {
      const auto what = fmt::format("gradient {} when subset {:b} is wanted", i, subset);
      expect_close(partial[i], needs[i] ? once[i] : Tensor(), 1e-14, what);
      if (!makes_all_gradients(sample.op)) {
        EXPECT_EQ(answer[i].defined(), needs[i]) << what;
      }
    }
  }
}

void expect_strides_do_not_matter(const Sample& sample, DType floating, Device device) {
  const auto inputs = inputs_as(sample, floating, device);
  const double tolerance = floating == DType::float32 ? 2e-6 : 1e-14;
  for (const auto& [form, remake] :
       {std::pair{"gaps", &with_gaps}, {"transposed", &turned_around}, {"repeated", &repeated}}) {
    std::vector<Tensor> dense_inputs, strided;
    for (const Tensor& input : inputs) {
      strided.push_back(remake(input));
      dense_inputs.push_back(strided.back().clone());
    }
    const Outputs expected = results(sample.op, dense_inputs);
    const Outputs got = results(sample.op, strided);
    for (size_t i = 0; i < got.size(); ++i)
      expect_close(got[i], expected[i], tolerance, fmt::format("{}: output {}", form, i));
    const auto wanted = differentiable_inputs(sample, inputs);
    if (wanted.empty()) continue;
    const auto a = gradients(sample, strided, wanted), b = gradients(sample, dense_inputs, wanted);
    for (const int i : wanted)
      expect_close(a[i], b[i], tolerance, fmt::format("{}: gradient {}", form, i));
  }
  // A gradient that comes in broadcast, as that of sum() does.
  const auto wanted = differentiable_inputs(sample, inputs);
  if (wanted.empty()) return;
  std::vector<std::vector<Tensor>> found;
  for (const bool broadcast : {true, false}) {
    const auto list = leaves(inputs, wanted);
    const Outputs outputs = run_op(sample.op, list);
    for (size_t i = 0; i < outputs.size(); ++i) {
      if (!gives_gradient(sample, outputs, i)) continue;
      const Tensor seed =
          expand(full({}, 0.7, {outputs[i].dtype(), outputs[i].device()}), outputs[i].shape());
      // A user's op with two outputs is walked from one of them.
      outputs[i].backward(broadcast ? seed : seed.clone());
      break;
    }
    found.emplace_back();
    for (const Tensor& leaf : list) found.back().push_back(leaf.grad());
  }
  for (const int i : wanted)
    expect_close(found[0][i], found[1][i], tolerance, fmt::format("broadcast gradient {}", i));
}

void expect_empty_batch(const Sample& sample, Device device) {
  if (sample.batched.empty()) return;
  for (const DType floating : {DType::float32, DType::float64}) {
    auto inputs = inputs_as(sample, floating, device);
    for (const int i : sample.batched) {
      Shape none = inputs[i].shape();
      none[0] = 0;
      inputs[i] = empty({none, inputs[i].dtype(), device});
    }
    std::vector<TensorMeta> metas;
    for (const Tensor& input : inputs) metas.push_back(input.meta());
    const auto inferred = infer_op(sample.op, metas);
    const Outputs outputs = results(sample.op, inputs);
    for (size_t i = 0; i < outputs.size(); ++i) EXPECT_EQ(outputs[i].meta(), inferred[i]);
    const auto wanted = differentiable_inputs(sample, inputs);
    if (wanted.empty()) continue;
    const auto g = gradients(sample, inputs, wanted);
    for (const int i : wanted) {
      EXPECT_EQ(g[i].shape(), inputs[i].shape());
      if (outputs[0].numel() == 0)
        expect_close(g[i], zeros_like(inputs[i]), 0, fmt::format("gradient {} of no batch", i));
    }
  }
}

}  // namespace tuco::test
