// Training steps of one network by several processes, each with its share of the batch in memory:
//   mpirun -n 2 data_parallel_bench resnet8_32 --bucket 65536
// Prints images a second at the median step, and how long backward waited for gradients at its end.
// With --bucket larger than the network all of them travel after the computation: what is waited
// for then is what there is to hide.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>

#include "tuco/bench/networks.h"
#include "tuco/tuco.h"

int main(int argc, char** argv) try {
  using namespace tuco;
  using Clock = std::chrono::steady_clock;
  std::string name = "resnet8_32";
  int64_t batch = 0, steps = 50;
  DataParallelOptions options;
  CLI::App app("Times training steps of one network by several processes.");
  app.add_option("network", name, "catdog_128, resnet8_32, mobilenet_v1_025_96, resnet18_128, ...");
  app.add_option("--batch", batch, "images in a step of all processes; the network's own without");
  app.add_option("--steps", steps)->check(CLI::PositiveNumber);
  app.add_option("--bucket", options.bucket_bytes, "bytes of gradients that travel together");
  CLI11_PARSE(app, argc, argv);

  Communicator& processes = world();
  const bench::Network& network = bench::network(name);
  if (batch == 0) batch = network.batch;
  const int64_t share = std::max<int64_t>(1, batch / processes.size());
  const Sequential net = network.make({});
  const Tensor x = randn(network.batch_shape(share, {}));
  std::vector<int64_t> classes;
  for (int64_t i = 0; i < share; ++i) classes.push_back(i % network.classes);
  const Tensor y = from_values(classes, {share});
  SGD sgd(net.parameters(), {.lr = 0.01, .momentum = 0.9});
  DataParallel parallel(net.named_parameters(), net.buffers(), options);
  std::vector<double> times, waits;
  for (int64_t i = 0; i < steps + 2; ++i) {
    const auto start = Clock::now();
    const double before = parallel.statistics().waited;
    sgd.zero_grad();
    cross_entropy(net(x), y).backward();
    sgd.step();
    if (i < 2) continue;  // what is made once
    times.push_back(std::chrono::duration<double>(Clock::now() - start).count());
    waits.push_back(parallel.statistics().waited - before);
  }
  std::ranges::sort(times);
  std::ranges::sort(waits);
  const double median = times[times.size() / 2];
  if (processes.rank() > 0) return 0;
  const auto& sent = parallel.statistics();
  fmt::print(
      "{}, batch {} on {} processes with {} threads: {:.1f} images/s; step {:.2f} ms, of which "
      "{:.3f} ms waiting; {} buckets, {} overlapped\n",
      name, share * processes.size(), processes.size(), num_threads(),
      static_cast<double>(share * processes.size()) / median, 1e3 * median,
      1e3 * waits[waits.size() / 2], sent.buckets / (steps + 2), sent.overlapped / (steps + 2));
} catch (const std::exception& error) {
  fmt::print(stderr, "data_parallel_bench: {}\n", error.what());
  return 1;
}
