// Whole trainings on a GPU follow those on the CPU: the guiding examples' networks on their kinds
// of data, loss by loss.
#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/shared_data.h"
#include "tests/support/test_device.h"
#include "tuco/tuco.h"

namespace tuco {
namespace {

struct Setting {
  int64_t batch, steps;
  double lr;
};

std::vector<double> losses(const Module& start, const data::Dataset& set, const Setting& setting,
                           Device device, DType dtype) {
  manual_seed(7);  // for dropout
  const Module net = start.clone();
  net.to(dtype).to(device);
  data::Loader loader(set, {.batch = setting.batch,
                            .shuffle = true,
                            .workers = 1,
                            .seed = 5,
                            .drop_last = true,
                            .device = device});
  SGD sgd(net.parameters(),
          {.lr = setting.lr, .momentum = 0.9, .nesterov = true, .weight_decay = 5e-4});
  Schedule schedule(sgd, OneCycle{.max_lr = setting.lr, .total_steps = setting.steps});
  Ema average(net.state(), {.decay = 0.9});
  std::vector<double> list;
  while (true)
    for (const auto& [images, labels] : loader) {
      EXPECT_EQ(images.device(), device);
      const Tensor loss = cross_entropy(net(images.to(dtype)), labels, {.label_smoothing = 0.05});
      sgd.zero_grad();
      loss.backward();
      clip_grad_norm(net.parameters(), 5);
      sgd.step();
      schedule.step();
      average.update();
      list.push_back(loss.item<double>());
      if (static_cast<int64_t>(list.size()) == setting.steps) return list;
    }
}

void expect_same_curve(const Module& net, const data::Dataset& set, const Setting& setting) {
  for (const Device device : test::test_devices()) {
    if (device == Device::cpu()) continue;
    for (const DType dtype : {DType::float64, DType::float32}) {
      SCOPED_TRACE(fmt::format("{} on {}", dtype, device));
      const auto cpu = losses(net, set, setting, Device::cpu(), dtype),
                 gpu = losses(net, set, setting, device, dtype);
      EXPECT_LT(cpu.back(), 0.9 * cpu.front()) << "the training should learn something";
      // Rounding differs from the first step on, and each step makes more of it.
      for (size_t i = 0; i < cpu.size(); ++i) {
        const auto step = static_cast<double>(i + 1);
        EXPECT_NEAR(gpu[i], cpu[i], dtype == DType::float64 ? 1e-9 : 4e-4 * step * step)
            << "step " << i;
      }
      EXPECT_EQ(losses(net, set, setting, device, dtype), gpu) << "the same in every run";
    }
  }
}

Conv2d convolution(int64_t in, int64_t out) {
  return Conv2d{{.in = in, .out = out, .kernel = 3, .padding = 1, .bias = false}};
}

TEST(CudaTraining, CatsAndDogs) {
  manual_seed(1);
  const Sequential net{convolution(3, 8),
                       BatchNorm{8},
                       ReLU{},
                       MaxPool2d{2},
                       convolution(8, 16),
                       BatchNorm{16},
                       ReLU{},
                       MaxPool2d{2},
                       Residual{Sequential{convolution(16, 16), BatchNorm{16}, ReLU{},
                                           convolution(16, 16), BatchNorm{16}}},
                       GlobalMaxPool{},
                       Dropout{0.2},
                       Linear{{.in = 16, .out = 2}}};
  const data::DrawnPets pets(64, {.size = 32, .augment = data::standard(), .seed = 1});
  expect_same_curve(net, pets, {.batch = 16, .steps = 12, .lr = 0.05});
}

TEST(CudaTraining, Digits) {
  const auto file = test::shared_data("data/mnist-t10k-images-idx3-ubyte.gz");
  TUCO_NEEDS_SHARED(file, "data/mnist-t10k-images-idx3-ubyte.gz");
  manual_seed(1);
  const Sequential net{convolution(1, 12),           BatchNorm{12}, ReLU{},          MaxPool2d{2},
                       convolution(12, 24),          BatchNorm{24}, ReLU{},          MaxPool2d{2},
                       convolution(24, 48),          BatchNorm{48}, GlobalMaxPool{}, ReLU{},
                       Linear{{.in = 48, .out = 10}}};
  const data::Mnist digits(file.parent_path(), data::Split::test,
                           {data::RandomRotation{8}, data::RandomResizedCrop{.side = {0.9f, 1}}});
  expect_same_curve(net, digits, {.batch = 32, .steps = 14, .lr = 0.02});
}

}  // namespace
}  // namespace tuco
