// Reads handwritten digits as mnist.cpp does, trained by several processes at once:
//   mpirun -n 2 mnist_parallel DIR [EPOCHS] [--device cuda]
// Each has its share of every batch, and with --device cuda a GPU of its own. The first one saves
// after every epoch: where a process dies, all end, and that file is whole.
#include <tuco/tuco.h>

#include <CLI/CLI.hpp>
#include <numeric>

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
  CLI::App app("Trains a ConvNet to read handwritten digits, in several processes of MPI.");
  app.add_option("DIR", folder, "folder with MNIST's four files")->required();
  app.add_option("EPOCHS", epochs, "passes over the digits")->check(CLI::PositiveNumber);
  app.add_option("--device", where, "cpu or cuda")->check(CLI::IsMember({"cpu", "cuda"}));
  CLI11_PARSE(app, argc, argv);
  Communicator& processes = world();
  const Device device = where == "cuda" ? local_device() : Device::cpu();
  const bool first = processes.rank() == 0;
  const data::Shard share{processes.rank(), processes.size()};
  manual_seed(1);
  const data::Mnist train(folder, data::Split::train,
                          {data::RandomRotation{8}, data::RandomResizedCrop{.side = {0.9f, 1}}});
  const data::Mnist test(folder, data::Split::test);
  const int64_t batch = std::max<int64_t>(1, 128 / share.count);
  data::Loader loader(
      train,
      {.batch = batch, .shuffle = true, .drop_last = true, .device = device, .shard = share});
  const Module net = make_network().to(device);
  SGD sgd(net.parameters(), {.lr = 0.1, .momentum = 0.9, .nesterov = true, .weight_decay = 1e-4});
  Schedule schedule(sgd, OneCycle{.max_lr = 0.2, .total_steps = epochs * loader.batches()});
  DataParallel parallel(net.named_parameters(), net.buffers());
  Progress progress(epochs, loader.batches(), first ? stderr : nullptr);
  for (int64_t epoch = 0; epoch < epochs; ++epoch) {
    for (auto [images, labels] : loader) {
      const Tensor loss = cross_entropy(net(images), labels);
      sgd.zero_grad();
      loss.backward();  // the gradients are means over all processes now
      sgd.step();
      schedule.step();
      progress.step(labels.numel() * share.count, loss.item());
    }
    progress.end_epoch();
    if (first) save(net, "mnist.safetensors", {.preprocessing = train.preprocessing()});
  }
  parallel.broadcast_buffers();  // batch norm's statistics, for all to evaluate the same network
  const auto right =
      gather(processes, accuracy(net, data::Loader(test, {.batch = 200, .shard = share})));
  const double mean = std::accumulate(right.begin(), right.end(), 0.0) / processes.size();
  if (first) fmt::print("test accuracy {:.2f} %, saved mnist.safetensors\n", 100 * mean);
} catch (const std::exception& error) {
  fmt::print(stderr, "mnist_parallel: {}\n", error.what());
  return 1;
}
