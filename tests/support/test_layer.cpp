#include "tests/support/test_layer.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/test_device.h"
#include "tuco/autograd/functions.h"
#include "tuco/autograd/grad_mode.h"
#include "tuco/core/rng.h"

namespace tuco::test {
namespace {

using Values = std::vector<double>;

Values values(const Tensor& tensor) {
  const NoGrad quiet;
  return tensor.to(DType::float64).to_vector<double>();
}

/// Layers that draw random numbers draw the same ones each time.
Tensor run(const Module& layer, const Tensor& x) {
  manual_seed(11);
  return layer(x);
}

void expect_near(const Values& a, const Values& b, double tolerance, const std::string& what) {
  ASSERT_EQ(a.size(), b.size()) << what;
  for (size_t i = 0; i < a.size(); ++i)
    ASSERT_NEAR(a[i], b[i], tolerance * (1 + std::abs(b[i]))) << what << ", element " << i;
}

/// d(sum(layer(x) * weights)) / d(tensor) by central differences, at up to 30 elements.
void check_gradient(const Module& layer, const Tensor& x, const Tensor& weights, Tensor tensor,
                    const Tensor& gradient, const std::string& what) {
  ASSERT_TRUE(gradient.defined()) << what << " got no gradient";
  ASSERT_EQ(gradient.shape(), tensor.shape()) << what;
  const Values analytic = values(gradient);
  const NoGrad quiet;
  const auto loss = [&] { return sum(run(layer, x) * weights).item<double>(); };
  const int64_t count = tensor.numel(), stride = std::max<int64_t>(1, count / 30);
  constexpr double kStep = 1e-5;
  double* data = tensor.data<double>();
  for (int64_t i = 0; i < count; i += stride) {
    const double before = data[i];
    data[i] = before + kStep;
    const double up = loss();
    data[i] = before - kStep;
    const double down = loss();
    data[i] = before;
    const double numeric = (up - down) / (2 * kStep);
    ASSERT_NEAR(analytic[static_cast<size_t>(i)], numeric, 1e-6 * (1 + std::abs(numeric)))
        << what << ", element " << i;
  }
}

void test_mode(const Module& layer, const Shape& input, bool trains) {
  SCOPED_TRACE(trains ? "training" : "evaluation");
  const Module wide = layer.clone();
  wide.to(DType::float64).train(trains);
  Rng rng(5);
  Tensor x = randn(input, rng, {DType::float64});
  const Values original = values(x);
  x.requires_grad_();

  const Tensor y = run(wide, x);
  const Values expected = values(y);
  for (const double value : expected) ASSERT_TRUE(std::isfinite(value));
  const Tensor weights = randn(y.shape(), rng, {DType::float64});
  sum(y * weights).backward();
  EXPECT_EQ(values(x), original) << "the layer changed its input";

  check_gradient(wide, x, weights, x, x.grad(), "input");
  for (const auto& [name, parameter] : wide.named_parameters())
    check_gradient(wide, x, weights, parameter, parameter.grad(), name);

  std::vector<std::pair<std::string, Values>> once = {{"input", values(x.grad())}};
  for (const auto& [name, parameter] : wide.named_parameters())
    once.emplace_back(name, values(parameter.grad()));
  sum(run(wide, x) * weights).backward();
  std::vector<Tensor> tensors = wide.parameters();
  tensors.insert(tensors.begin(), x);
  for (size_t i = 0; i < tensors.size(); ++i) {
    Values doubled = once[i].second;
    for (double& value : doubled) value *= 2;
    expect_near(values(tensors[i].grad()), doubled, 1e-12,
                "gradients accumulate: " + once[i].first);
  }

  {
    const NoGrad quiet;
    const Tensor untaped = run(wide, x.detach());
    EXPECT_FALSE(untaped.requires_grad());
    expect_near(values(untaped), expected, 1e-12, "off the tape");
    Dims order(static_cast<size_t>(x.rank()));
    for (size_t i = 0; i < order.size(); ++i) order[i] = x.rank() - 1 - static_cast<int>(i);
    const Tensor strided = permute(contiguous(permute(x.detach(), order)), order);
    expect_near(values(run(wide, strided)), expected, 1e-12, "strided input");
    const Module narrow = layer.clone();
    narrow.train(trains);
    expect_near(values(run(narrow, x.detach().to(DType::float32))), expected, 2e-4, "float32");
  }

  const NamedTensors state = wide.state();
  const Module copy = wide.clone();
  EXPECT_EQ(copy.training(), trains);
  expect_near(values(run(copy, x.detach())), expected, trains ? 1e-12 : 0, "clone");
  {
    const NoGrad quiet;
    for (Tensor parameter : copy.parameters())
      parameter.mul_(0.5).add_(full(parameter.shape(), 1, {parameter.dtype(), parameter.device()}),
                               0.1);
  }
  expect_near(values(run(wide, x.detach())), expected, 1e-12, "after changes of a clone");
  copy.load_state(state);
  expect_near(values(run(copy, x.detach())), expected, 1e-12, "reloaded state");

  if (trains) return;
  for (int64_t i = 0; i < x.dim(0); ++i)
    expect_near(values(run(wide, slice(x.detach(), 0, i, i + 1))),
                values(slice(y.detach(), 0, i, i + 1)), 1e-12, "a sample on its own");
}

/// On another device the layer gives what it gives on the CPU: outputs, gradients, buffers.
void test_device(const Module& layer, const Shape& input, bool trains, Device device) {
  SCOPED_TRACE(device.to_string());
  Rng rng(6);
  const Tensor x = randn(input, rng);
  std::vector<std::pair<std::string, Values>> found[2];
  for (const bool there : {false, true}) {
    const Module copy = layer.clone();
    copy.to(there ? device : Device::cpu()).train(trains);
    Tensor from = x.to(there ? device : Device::cpu()).clone();
    from.requires_grad_();
    const Tensor y = run(copy, from);
    EXPECT_EQ(y.device(), from.device());
    Rng same(7);
    const Tensor weights = randn(y.shape(), same).to(from.device());
    sum(y * weights).backward();
    auto& list = found[there];
    list.emplace_back("output", values(y));
    list.emplace_back("gradient of the input", values(from.grad()));
    for (const auto& [name, parameter] : copy.named_parameters())
      list.emplace_back("gradient of " + name, values(parameter.grad()));
    for (const auto& [name, tensor] : copy.state()) list.emplace_back(name, values(tensor));
  }
  ASSERT_EQ(found[0].size(), found[1].size());
  for (size_t i = 0; i < found[0].size(); ++i)
    expect_near(found[1][i].second, found[0][i].second, 2e-4, found[0][i].first);
}

}  // namespace

void test_layer(const Module& layer, const Shape& input) {
  SCOPED_TRACE(layer.to_string());
  for (const Device device : test_devices()) {
    if (device != Device::cpu()) {
      test_device(layer, input, true, device);
      test_device(layer, input, false, device);
      continue;
    }
    test_mode(layer, input, true);
    test_mode(layer, input, false);
  }
}

}  // namespace tuco::test
