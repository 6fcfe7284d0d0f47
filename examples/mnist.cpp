// Reads handwritten digits: trains a small ConvNet on MNIST.
//   mnist DIR [EPOCHS] [--device cuda], where DIR holds the four IDX files, as they are or with .gz
#include <tuco/tuco.h>

#include <CLI/CLI.hpp>

using namespace tuco;

Sequential make_network() {
  return {Conv2d{{.in = 1, .out = 32, .kernel = 3, .padding = 1, .bias = false}},
          BatchNorm{32},
          ReLU{},
          MaxPool2d{2},
          Conv2d{{.in = 32, .out = 64, .kernel = 3, .padding = 1, .bias = false}},
          BatchNorm{64},
          ReLU{},
          MaxPool2d{2},
          Conv2d{{.in = 64, .out = 128, .kernel = 3, .padding = 1, .bias = false}},
          BatchNorm{128},
          ReLU{},
          GlobalMaxPool{},
          Linear{{.in = 128, .out = 10}}};
}

int main(int argc, char** argv) try {
  std::string folder, where = "cpu";
  int64_t epochs = 5;
  CLI::App app("Trains a ConvNet to read handwritten digits.");
  app.add_option("DIR", folder, "folder with MNIST's four files")->required();
  app.add_option("EPOCHS", epochs, "passes over the digits")->check(CLI::PositiveNumber);
  app.add_option("--device", where, "cpu or cuda");
  CLI11_PARSE(app, argc, argv);
  const Device device = Device::parse(where);
  manual_seed(1);
  const data::Mnist train(folder, data::Split::train,
                          {data::RandomRotation{8}, data::RandomResizedCrop{.side = {0.9f, 1}}});
  data::Loader loader(train, {.batch = 128, .shuffle = true, .drop_last = true, .device = device});
  const Module net = make_network().to(device);
  SGD sgd(net.parameters(), {.lr = 0.1, .momentum = 0.9, .nesterov = true, .weight_decay = 1e-4});
  Schedule schedule(sgd, OneCycle{.max_lr = 0.2, .total_steps = epochs * loader.batches()});
  Progress progress(epochs, loader.batches());
  for (int64_t epoch = 0; epoch < epochs; ++epoch) {
    for (auto [images, labels] : loader) {
      const Tensor loss = cross_entropy(net(images), labels);
      sgd.zero_grad();
      loss.backward();
      sgd.step();
      schedule.step();
      progress.step(labels.numel(), loss.item());
    }
    progress.end_epoch();
  }
  save(net, "mnist.safetensors", {.preprocessing = train.preprocessing()});
  fmt::print("test accuracy {:.2f} %, saved mnist.safetensors\n",
             100 * accuracy(net, data::Loader(data::Mnist(folder, data::Split::test))));
} catch (const std::exception& error) {
  fmt::print(stderr, "mnist: {}\n", error.what());
  return 1;
}
