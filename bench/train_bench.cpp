// Training steps of one network on data in memory: zero_grad, forward, cross entropy, backward, SGD
// with momentum. A contestant of bench/peers (contestant.h), or with --seconds a program of its
// own.
#include <CLI/CLI.hpp>

#include "tuco/bench/contestant.h"
#include "tuco/bench/networks.h"
#include "tuco/tuco.h"

int main(int argc, char** argv) try {
  using namespace tuco;
  std::string name = "catdog_128";
  int64_t batch = 0;
  int threads = 1;
  double seconds = 0;
  bench::NetworkOptions options;
  CLI::App app("Times training steps of one network.");
  app.add_option("network", name, "catdog_128, resnet8_32, mobilenet_v1_025_96, resnet18_128, ...");
  app.add_option("--batch", batch, "images in a step; the network's own without");
  app.add_option("--threads", threads)->check(CLI::PositiveNumber);
  app.add_option("--size", options.size, "height and width of the images");
  app.add_option("--width", options.width, "times the channels (catdog_128)");
  app.add_option("--depth", options.depth, "convolutions in a stage (catdog_128)");
  app.add_option("--seconds", seconds, "time steps for so long and print images/s");
  CLI11_PARSE(app, argc, argv);

  set_num_threads(threads);
  manual_seed(1);
  const bench::Network& network = bench::network(name);
  if (batch == 0) batch = network.batch;
  const Sequential net = network.make(options);
  const Tensor x = randn(network.batch_shape(batch, options));
  std::vector<int64_t> classes(batch);
  for (int64_t i = 0; i < batch; ++i) classes[i] = i % network.classes;
  const Tensor y = from_values(classes, {batch});
  SGD sgd(net.parameters(), {.lr = 0.01, .momentum = 0.9});
  const auto step = [&] {
    sgd.zero_grad();
    cross_entropy(net(x), y).backward();
    sgd.step();
  };
  step();
  step();
  if (seconds <= 0) {
    bench::serve(step);
    return 0;
  }
  const auto times = bench::times_within(seconds, step);
  fmt::print(
      "{}, batch {}, {} threads: {:.1f} images/s at the median of {} steps, {:.1f} at best\n", name,
      batch, threads, 1e6 * static_cast<double>(batch) / times[times.size() / 2], times.size(),
      1e6 * static_cast<double>(batch) / times[0]);
} catch (const std::exception& error) {
  fmt::print(stderr, "train_bench: {}\n", error.what());
  return 1;
}
