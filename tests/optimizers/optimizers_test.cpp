#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/temporary_folder.h"
#include "tuco/autograd/functions.h"
#include "tuco/autograd/grad_mode.h"
#include "tuco/core/error.h"
#include "tuco/optimizers/adamw.h"
#include "tuco/optimizers/clip.h"
#include "tuco/optimizers/sgd.h"

namespace tuco {
namespace {

using test::message_of;

const Safetensors& frozen() {
  static const Safetensors file =
      load_safetensors(TUCO_SOURCE_DIR "/tests/golden/optimizers.safetensors");
  return file;
}

Tensor parameter(const Tensor& values) { return values.clone().requires_grad_(); }

void expect_near(const Tensor& a, const Tensor& b, const std::string& what) {
  const auto x = a.to_vector<double>(), y = b.to_vector<double>();
  ASSERT_EQ(x.size(), y.size());
  for (size_t i = 0; i < x.size(); ++i) ASSERT_NEAR(x[i], y[i], 1e-12) << what << ", element " << i;
}

/// Steps with the frozen gradients and compares the weight after each.
void expect_steps(const std::string& name, Tensor weight, Optimizer& optimizer) {
  const Tensor gradients = *frozen().find("gradients"), expected = *frozen().find(name);
  for (int64_t i = 0; i < gradients.dim(0); ++i) {
    optimizer.zero_grad();
    EXPECT_FALSE(weight.grad().defined());
    weight.set_grad(select(gradients, 0, i).clone());
    const uint64_t version = weight.storage()->version();
    optimizer.step();
    EXPECT_GT(weight.storage()->version(), version);
    expect_near(weight, select(expected, 0, i), fmt::format("{}, step {}", name, i));
  }
}

TEST(Optimizers, StepAsPyTorchDoes) {
  const Tensor start = *frozen().find("start");
  const auto check = [&]<class O>(const std::string& name, auto options, O*) {
    const Tensor weight = parameter(start);
    O optimizer({weight}, options);
    expect_steps(name, weight, optimizer);
  };
  SGD* sgd = nullptr;
  AdamW* adamw = nullptr;
  check("sgd", SgdOptions{.lr = 0.1}, sgd);
  check("sgd_momentum", SgdOptions{.lr = 0.1, .momentum = 0.9, .weight_decay = 0.05}, sgd);
  check("sgd_nesterov",
        SgdOptions{.lr = 0.1, .momentum = 0.9, .nesterov = true, .weight_decay = 0.05}, sgd);
  check("adamw", AdamWOptions{.lr = 0.02, .beta1 = 0.8, .beta2 = 0.95, .weight_decay = 0.1}, adamw);
}

TEST(Optimizers, GroupsHaveSettingsOfTheirOwn) {
  const Tensor plain = parameter(ones({2, 2})), slow = parameter(ones({2})),
               still = parameter(ones({1}));
  SGD sgd(std::vector<ParameterGroup>{{.parameters = {plain}},
                                      {.parameters = {slow}, .lr_factor = 0.5, .weight_decay = 0}},
          {.lr = 0.1, .weight_decay = 1});
  for (Tensor tensor : {plain, slow}) tensor.set_grad(ones(tensor.shape()));
  sgd.step();
  EXPECT_FLOAT_EQ(plain.to_vector<float>()[0], 0.8f);
  EXPECT_FLOAT_EQ(slow.to_vector<float>()[0], 0.95f);
  sgd.set_lr(0.2);
  sgd.step();
  EXPECT_FLOAT_EQ(slow.to_vector<float>()[0], 0.85f);
  const auto groups = without_decay_of_vectors({plain, slow, still});
  EXPECT_EQ(groups[0].parameters.size(), 1u);
  EXPECT_EQ(groups[1].parameters.size(), 2u);
  EXPECT_EQ(groups[1].weight_decay, 0.0);
}

TEST(Optimizers, AParameterWithoutGradientStays) {
  const Tensor used = parameter(ones({2})), unused = parameter(ones({2}));
  AdamW adamw({used, unused}, {.lr = 0.1});
  sum(used * 2).backward();
  adamw.step();
  EXPECT_EQ(unused.to_vector<float>(), std::vector<float>(2, 1));
  EXPECT_NE(used.to_vector<float>(), std::vector<float>(2, 1));
}

TEST(Optimizers, RefuseWhatCannotWork) {
  const Tensor weight = parameter(ones({2, 3}));
  EXPECT_THROW(SGD(std::vector<Tensor>{}, {.lr = 0.1}), Error);
  EXPECT_THROW(SGD({ones({2})}, {.lr = 0.1}), Error);
  EXPECT_THROW(SGD({weight, weight}, {.lr = 0.1}), Error);
  EXPECT_THROW(SGD({transpose(ones({2, 3})).requires_grad_()}, {.lr = 0.1}), Error);
  EXPECT_THROW(SGD({weight}, {.lr = -1}), Error);
  EXPECT_THROW(SGD({weight}, {.lr = NAN}), Error);
  EXPECT_THROW(SGD({weight}, {.lr = 1, .weight_decay = -1}), Error);
  EXPECT_THROW(SGD({weight}, {.lr = 1, .momentum = 1}), Error);
  EXPECT_THROW(SGD({weight}, {.lr = 1, .nesterov = true}), Error);
  EXPECT_THROW(AdamW({weight}, {.beta1 = 1}), Error);
  SGD sgd({weight}, {.lr = 0.1, .momentum = 0.9});
  EXPECT_EQ(message_of<Error>([&] {
              sgd.load_state({{"lr", zeros({})}, {"0.velocity", zeros({3})}, {"x", zeros({})}});
            }),
            "SGD: load_state: lr is float32, expected float64; 0.steps () is missing; 0.velocity "
            "has shape (3,), expected (2, 3); x is unexpected");
}

TEST(Optimizers, AStepAfterForwardIsNoticedByBackward) {
  Tensor weight = parameter(ones({2}));
  SGD sgd({weight}, {.lr = 0.1});
  const Tensor loss = sum(weight * weight);
  weight.set_grad(ones({2}));
  sgd.step();
  EXPECT_THROW(loss.backward(), Error);
}

TEST(ClipGradNorm, ScalesAsPyTorchDoes) {
  const Tensor gradients = *frozen().find("gradients"), start = *frozen().find("start");
  Tensor a = parameter(start), b = parameter(select(start, 0, 0)), c = parameter(start);
  a.set_grad(select(gradients, 0, 0).clone());
  b.set_grad(select(select(gradients, 0, 1), 0, 0).clone());
  const double norm = clip_grad_norm({a, b, c}, 1.5);
  EXPECT_NEAR(norm, frozen().find("clip.norm")->item<double>(), 1e-12);
  // PyTorch divides by the norm plus 1e-6.
  const auto near = [](const Tensor& x, const Tensor& y) {
    EXPECT_LT(max(abs(x - y)).item<double>(), 1e-6);
  };
  near(a.grad(), *frozen().find("clip.0"));
  near(b.grad(), *frozen().find("clip.1"));
  EXPECT_NEAR(clip_grad_norm({a, b, c}, 1.5), 1.5, 1e-12);
  const auto before = a.grad().to_vector<double>();
  clip_grad_norm({a, b, c}, 2);
  EXPECT_EQ(a.grad().to_vector<double>(), before);
  b.set_grad(full({4}, INFINITY, {DType::float64}));
  EXPECT_EQ(clip_grad_norm({a, b}, 1), INFINITY);
  EXPECT_EQ(a.grad().to_vector<double>(), before);
  EXPECT_THROW(clip_grad_norm({a}, 0), Error);
}

}  // namespace
}  // namespace tuco
