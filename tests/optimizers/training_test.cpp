// Whole trainings, small enough for a test: they learn, they agree with PyTorch step by step, they
// repeat bit for bit, and they can be interrupted.
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "tests/support/temporary_folder.h"
#include "tuco/autograd/functions.h"
#include "tuco/autograd/grad_mode.h"
#include "tuco/core/rng.h"
#include "tuco/layers/activation.h"
#include "tuco/layers/batch_norm.h"
#include "tuco/layers/checkpoint.h"
#include "tuco/layers/conv2d.h"
#include "tuco/layers/dropout.h"
#include "tuco/layers/linear.h"
#include "tuco/layers/losses.h"
#include "tuco/layers/pool2d.h"
#include "tuco/layers/sequential.h"
#include "tuco/optimizers/adamw.h"
#include "tuco/optimizers/ema.h"
#include "tuco/optimizers/schedules.h"
#include "tuco/optimizers/sgd.h"

namespace tuco {
namespace {

struct Points {
  Tensor positions, labels;
};

/// Two interleaved half circles with noise.
Points two_moons(int64_t count, uint64_t seed) {
  Rng rng(seed);
  std::vector<float> positions;
  std::vector<int64_t> labels;
  for (int64_t i = 0; i < count; ++i) {
    const bool lower = i % 2 == 1;
    const float angle = rng.uniform(0, std::numbers::pi_v<float>);
    const float x = std::cos(angle), y = std::sin(angle);
    positions.push_back((lower ? 1 - x : x) + 0.1f * rng.normal());
    positions.push_back((lower ? 0.5f - y : y) + 0.1f * rng.normal());
    labels.push_back(lower);
  }
  return {from_values(positions, {count, 2}), from_values(labels, {count})};
}

double accuracy(const Module& net, const Points& points) {
  const NoGrad quiet;
  net.eval();
  const int64_t correct = count_correct(net(points.positions), points.labels);
  net.train();
  return static_cast<double>(correct) / static_cast<double>(points.labels.numel());
}

Sequential moons_net() {
  return Sequential{Linear{{.in = 2, .out = 32}},  BatchNorm{32}, ReLU{},
                    Linear{{.in = 32, .out = 32}}, ReLU{},        Linear{{.in = 32, .out = 2}}};
}

template <class O>
void train_moons(const Module& net, O& optimizer, double max_lr) {
  const Points points = two_moons(512, 1);
  constexpr int64_t kEpochs = 25, kBatch = 64;
  Schedule schedule(optimizer, OneCycle{.max_lr = max_lr, .total_steps = kEpochs * 512 / kBatch});
  for (int64_t epoch = 0; epoch < kEpochs; ++epoch)
    for (int64_t i = 0; i < 512; i += kBatch) {
      const Tensor loss = cross_entropy(net(slice(points.positions, 0, i, i + kBatch)),
                                        slice(points.labels, 0, i, i + kBatch));
      optimizer.zero_grad();
      loss.backward();
      optimizer.step();
      schedule.step();
    }
}

TEST(Training, TwoMoonsWithSgd) {
  manual_seed(1);
  const Sequential net = moons_net();
  const Points unseen = two_moons(1000, 2);
  EXPECT_LT(accuracy(net, unseen), 0.95);
  SGD sgd(net.parameters(), {.momentum = 0.9, .nesterov = true, .weight_decay = 1e-4});
  train_moons(net, sgd, 0.1);
  EXPECT_GT(accuracy(net, unseen), 0.98);
}

TEST(Training, TwoMoonsWithAdamW) {
  manual_seed(1);
  const Sequential net = moons_net();
  AdamW adamw(without_decay_of_vectors(net.parameters()), {});
  train_moons(net, adamw, 0.01);
  EXPECT_GT(accuracy(net, two_moons(1000, 2)), 0.98);
}

TEST(Training, FitsALineToMeanSquares) {
  manual_seed(3);
  const Linear line{{.in = 1, .out = 1}};
  const Tensor x = randn({64, 1}), y = x * 3 - 2;
  SGD sgd(line.parameters(), {.lr = 0.1, .momentum = 0.5});
  for (int i = 0; i < 100; ++i) {
    sgd.zero_grad();
    mse_loss(line(x), y).backward();
    sgd.step();
  }
  EXPECT_NEAR(line->weight->item(), 3, 1e-4);
  EXPECT_NEAR(line->bias->item(), -2, 1e-4);
}

std::string golden(const std::string& name) {
  return TUCO_SOURCE_DIR "/tests/golden/" + name + ".safetensors";
}

Sequential frozen_network() {
  return Sequential{Conv2d{{.in = 3, .out = 6, .kernel = 3, .padding = 1, .bias = false}},
                    BatchNorm{6},
                    ReLU{},
                    MaxPool2d{2},
                    Conv2d{{.in = 6, .out = 8, .kernel = {3, 2}, .stride = {2, 1}, .groups = 2}},
                    BatchNorm{8},
                    ReLU{},
                    GlobalMaxPool{},
                    Linear{{.in = 8, .out = 4}}};
}

/// Loss, learning rate, weights and running statistics of six steps of a convolutional network,
/// with label smoothing, Nesterov's momentum, weight decay and one-cycle.
void train_as_pytorch_did(DType dtype, bool fuse, double tolerance) {
  const Safetensors run = load_safetensors(golden("network_run"));
  const Sequential net = frozen_network(), expected = frozen_network();
  net.to(DType::float64);
  expected.to(DType::float64);
  load(net, golden("network_before"));
  load(expected, golden("network_after"));
  net.to(dtype).fuse(fuse);
  SGD sgd(net.parameters(), {.momentum = 0.9, .nesterov = true, .weight_decay = 5e-4});
  Schedule schedule(sgd, OneCycle{.max_lr = 0.1, .total_steps = 7});
  const Tensor images = run.find("images")->to(dtype), labels = *run.find("labels");
  const auto losses = run.find("losses")->to_vector<double>();
  for (int64_t i = 0; i < images.dim(0); ++i) {
    const Tensor loss =
        cross_entropy(net(select(images, 0, i)), select(labels, 0, i), {.label_smoothing = 0.05});
    EXPECT_NEAR(loss.item<double>(), losses[static_cast<size_t>(i)], tolerance) << "step " << i;
    sgd.zero_grad();
    loss.backward();
    sgd.step();
    schedule.step();
  }
  const auto ours = net.state(), theirs = expected.state();
  for (size_t i = 0; i < ours.size(); ++i) {
    const auto a = ours[i].second.to(DType::float64).to_vector<double>();
    const auto b = theirs[i].second.to_vector<double>();
    for (size_t k = 0; k < a.size(); ++k)
      ASSERT_NEAR(a[k], b[k], tolerance * (1 + std::abs(b[k]))) << ours[i].first << " " << k;
  }
  net.eval();
  const auto logits = net(select(images, 0, 0)).to(DType::float64).to_vector<double>();
  const auto wanted = run.find("logits")->to_vector<double>();
  for (size_t k = 0; k < logits.size(); ++k) EXPECT_NEAR(logits[k], wanted[k], 3 * tolerance);
}

TEST(Training, FollowsPyTorchStepByStep) {
  train_as_pytorch_did(DType::float64, false, 1e-11);
  train_as_pytorch_did(DType::float64, true, 1e-11);
  train_as_pytorch_did(DType::float32, false, 1e-4);
  train_as_pytorch_did(DType::float32, true, 1e-4);
}

/// A training with everything that has a state: dropout, batch norm, momentum, schedule, averages.
struct Experiment {
  Sequential net{Conv2d{{.in = 1, .out = 4, .kernel = 3}},
                 BatchNorm{4},
                 ReLU{},
                 MaxPool2d{2},
                 GlobalAvgPool{},
                 Dropout{0.3},
                 Linear{{.in = 4, .out = 3}}};
  AdamW optimizer{net.parameters(), {}};
  Schedule schedule{optimizer,
                    CosineWithWarmup{.max_lr = 0.02, .total_steps = 20, .warmup_steps = 3}};
  Ema ema{net.state()};

  void steps(int64_t from, int64_t to) {
    for (int64_t i = from; i < to; ++i) {
      Rng rng(static_cast<uint64_t>(100 + i));
      const Tensor images = randn({8, 8, 8, 1}, rng);
      std::vector<int64_t> labels(8);
      for (auto& label : labels) label = rng.below(3);
      const Tensor loss = cross_entropy(net(images), from_values(labels, {8}));
      optimizer.zero_grad();
      loss.backward();
      optimizer.step();
      schedule.step();
      ema.update();
    }
  }

  NamedTensors state() const {
    NamedTensors all = with_prefix("net", net.state());
    for (const auto& part : {with_prefix("optimizer", optimizer.state()),
                             with_prefix("ema", ema.state()), with_prefix("rng", random_state())})
      all.insert(all.end(), part.begin(), part.end());
    return all;
  }
};

void expect_same_bits(const NamedTensors& a, const NamedTensors& b) {
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) {
    ASSERT_EQ(a[i].first, b[i].first);
    EXPECT_EQ(a[i].second.to(DType::float64).to_vector<double>(),
              b[i].second.to(DType::float64).to_vector<double>())
        << a[i].first;
  }
}

TEST(Training, SameSeedSameBits) {
  NamedTensors states[2];
  for (NamedTensors& state : states) {
    manual_seed(42);
    Experiment run;
    run.steps(0, 10);
    state = run.state();
    for (auto& [name, tensor] : state) tensor = tensor.clone();
  }
  expect_same_bits(states[0], states[1]);
}

TEST(Training, ResumesBitForBit) {
  const test::TemporaryFolder folder;
  const std::string path = folder.path() / "checkpoint.safetensors";
  manual_seed(42);
  Experiment whole;
  whole.steps(0, 6);
  save_safetensors(path, whole.state());
  whole.steps(6, 12);
  const NamedTensors expected = whole.state();

  manual_seed(7);
  Experiment resumed;
  resumed.steps(0, 2);
  const NamedTensors saved = load_safetensors(path).tensors;
  resumed.net.load_state(below_prefix("net", saved));
  resumed.optimizer.load_state(below_prefix("optimizer", saved));
  resumed.schedule.set_steps(6);
  resumed.ema.load_state(below_prefix("ema", saved));
  load_random_state(below_prefix("rng", saved));
  resumed.steps(6, 12);
  expect_same_bits(resumed.state(), expected);
}

}  // namespace
}  // namespace tuco
