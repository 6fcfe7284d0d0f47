// The steps of the reference networks' int8 plans: microseconds, and the share of the machine's
// peak that their products reach.
//   int8_bench --network resnet8_32 --batch 1 --threads 1 --isa avx512_vnni
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "tuco/bench/contestant.h"
#include "tuco/bench/networks.h"
#include "tuco/core/parallel.h"
#include "tuco/core/rng.h"
#include "tuco/deploy/engine/context.h"
#include "tuco/devices/cpu/isa.h"
#include "tuco/devices/cpu/machine_peak.h"
#include "tuco/tuco.h"

namespace tuco::bench {
namespace {

double median(std::vector<double> times) {
  const auto middle = times.begin() + static_cast<ptrdiff_t>(times.size() / 2);
  std::nth_element(times.begin(), middle, times.end());
  return *middle;
}

/// Both are of whole runs: a layer finds in the caches what the one before left there.
void report(const Network& network, int64_t batch, double seconds, double peak) {
  Rng rng(1);
  const NetworkOptions options{.tensorflow_padding = true};
  Sequential net = network.make(options);
  net.eval();
  const Tensor samples = randn(network.batch_shape(4, options), rng);
  const auto plan = deploy::Plan::compile(deploy::quantize(net, samples), {.max_batch = batch});
  deploy::Context context(plan);
  context.input(batch).fill_(0);
  context.run(batch);
  const auto steps = plan.steps();
  std::vector<std::vector<double>> times(steps.size());
  std::vector<double> once;
  times_within(seconds, [&] {
    context.run(batch, once);
    for (size_t i = 0; i < once.size(); ++i) times[i].push_back(1e6 * once[i]);
  });
  fmt::print("{}, batch {}, {}, {} threads, peak {:.0f} GOP/s\n", network.name, batch,
             isa_name(cpu::active_isa()), num_threads(), peak);
  double sum = 0;
  for (size_t i = 0; i < steps.size(); ++i) {
    const double time = median(times[i]);
    sum += time;
    fmt::print("{:<16}{:<20}{:<20}{:>9.2f} us", steps[i].op, steps[i].module,
               steps[i].output.to_string(), time);
    if (steps[i].products > 0)
      fmt::print("{:>6.1f} %",
                 100 * 2e-3 * static_cast<double>(steps[i].products * batch) / time / peak);
    fmt::print("\n");
  }
  const double whole = median(times_within(seconds, [&] { context.run(batch); }));
  fmt::print("{:<56}{:>9.2f} us\n{:<56}{:>9.2f} us\n\n", "sum", sum, "without looking at the clock",
             whole);
}

}  // namespace
}  // namespace tuco::bench

int main(int argc, char** argv) {
  CLI::App app("Layers of int8 networks.");
  std::vector<std::string> names;
  std::string isa;
  int64_t batch = 1;
  int threads = 1;
  double seconds = 0.5, peak = 0;
  app.add_option("--network", names, "networks; all of them without");
  app.add_option("--batch", batch);
  app.add_option("--threads", threads);
  app.add_option("--isa", isa, "instruction set");
  app.add_option("--seconds", seconds, "for each network, twice");
  app.add_option("--peak", peak, "GOP/s that count as 100 %; measured without");
  CLI11_PARSE(app, argc, argv);
  try {
    tuco::set_num_threads(threads);
    for (const tuco::cpu::Isa one : tuco::cpu::supported_isas())
      if (isa_name(one) == isa) set_isa(one);
    if (peak == 0)
      peak = 1e-9 * tuco::cpu::measure_arithmetic(tuco::cpu::active_isa(), threads).int8_ops;
    for (const tuco::bench::Network& network : tuco::bench::networks())
      if (names.empty() || std::ranges::count(names, network.name))
        tuco::bench::report(network, batch, seconds, peak);
  } catch (const std::exception& error) {
    fmt::print(stderr, "int8_bench: {}\n", error.what());
    return 1;
  }
  return 0;
}
