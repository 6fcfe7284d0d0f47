// The layers of the reference networks in int8, one at a time and one after another: microseconds,
// and the share of the machine's peak that their products reach.
//   int8_bench --network resnet8_32 --batch 1 --threads 1 --isa avx512_vnni
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>

#include "tuco/autograd/functions.h"
#include "tuco/bench/networks.h"
#include "tuco/core/error.h"
#include "tuco/core/parallel.h"
#include "tuco/core/rng.h"
#include "tuco/deploy/engine/int8_ops.h"
#include "tuco/deploy/quantize.h"
#include "tuco/deploy/run_graph.h"
#include "tuco/devices/cpu/isa.h"
#include "tuco/devices/cpu/machine_peak.h"

namespace tuco::bench {
namespace {

/// A lowered node with its tensors: what an engine runs.
struct Layer {
  deploy::Int8Op lowered;
  std::vector<Tensor> inputs;
  std::vector<Tensor> outputs;
  std::unique_ptr<Prepared> prepared;
  std::unique_ptr<Bound> bound;
  double products = 0;  // multiply-adds
};

double products_of(const op::Any& any, const std::vector<Tensor>& in, const Tensor& out) {
  const bool product =
      std::holds_alternative<op::QConv2d>(any) || std::holds_alternative<op::QLinear>(any);
  if (!product || out.numel() == 0) return 0;
  const Shape& weight = in[1].shape();
  return static_cast<double>(out.numel() * (weight.numel() / weight[0]));
}

std::vector<Layer> lower(const deploy::QuantizedModel& model, int64_t batch) {
  const Graph& graph = model.graph;
  const auto shapes = deploy::infer_shapes(graph, batch);
  std::vector<Tensor> values(graph.values.size());
  values[graph.inputs[0]] = zeros(shapes[graph.inputs[0]], {DType::int8});
  std::vector<Layer> layers;
  for (const Graph::Node& node : graph.nodes) {
    Layer layer{deploy::int8_op({graph, node, model.rounding}), {}, {}, nullptr, nullptr};
    for (const int v : layer.lowered.values) layer.inputs.push_back(values[v]);
    std::vector<Tensor> constants(layer.inputs.size());
    for (const Tensor& constant : layer.lowered.constants) {
      layer.inputs.push_back(constant);
      constants.push_back(constant);
    }
    Tensor& out = values[node.outputs[0]];
    if (std::holds_alternative<op::Reshape>(node.op)) {
      out = reshape(layer.inputs[0], shapes[node.outputs[0]]);
      continue;
    }
    out = zeros(shapes[node.outputs[0]], {DType::int8});
    layer.outputs = {out};
    layer.prepared = backend(Device::cpu()).prepare(layer.lowered.op, constants);
    layer.bound = backend(Device::cpu())
                      .bind(layer.lowered.op, layer.inputs, layer.outputs, layer.prepared.get());
    layer.products = products_of(layer.lowered.op, layer.inputs, out);
    layers.push_back(std::move(layer));
  }
  return layers;
}

/// Median microseconds of a call.
template <class Body>
double median(double seconds, Body&& body) {
  using Clock = std::chrono::steady_clock;
  const auto micros = [&](int64_t calls) {
    const auto start = Clock::now();
    for (int64_t i = 0; i < calls; ++i) body();
    return std::chrono::duration<double, std::micro>(Clock::now() - start).count() /
           static_cast<double>(calls);
  };
  micros(3);
  const auto calls = static_cast<int64_t>(20 / std::max(micros(1), 1e-3)) + 1;  // 20 us or more
  std::vector<double> times;
  const auto end = Clock::now() + std::chrono::duration<double>(seconds);
  while (times.size() < 5 || Clock::now() < end) times.push_back(micros(calls));
  std::ranges::nth_element(times, times.begin() + static_cast<ptrdiff_t>(times.size() / 2));
  return times[times.size() / 2];
}

void report(const Network& network, int64_t batch, double seconds, double peak) {
  Rng rng(1);
  const NetworkOptions options{.tensorflow_padding = true};
  Sequential net = network.make(options);
  net.eval();
  const Tensor samples = randn(network.batch_shape(4, options), rng);
  auto layers = lower(deploy::quantize(net, samples), batch);
  fmt::print("{}, batch {}, {}, {} threads, peak {:.0f} GOP/s\n", network.name, batch,
             isa_name(cpu::active_isa()), num_threads(), peak);
  double sum = 0;
  for (Layer& layer : layers) {
    const double time = median(seconds, [&] { layer.bound->run(); });
    sum += time;
    fmt::print("{:<16}{:>20} -> {:<20}{:>9.2f} us", name(layer.lowered.op),
               layer.inputs[0].shape().to_string(), layer.outputs[0].shape().to_string(), time);
    if (layer.products > 0) fmt::print("{:>6.1f} %", 100 * 2e-3 * layer.products / time / peak);
    fmt::print("\n");
  }
  const double whole = median(10 * seconds, [&] {
    for (Layer& layer : layers) layer.bound->run();
  });
  fmt::print("{:<59}{:>9.2f} us\n{:<59}{:>9.2f} us\n\n", "sum", sum, "one after another", whole);
}

}  // namespace
}  // namespace tuco::bench

int main(int argc, char** argv) {
  CLI::App app("Layers of int8 networks.");
  std::vector<std::string> names;
  std::string isa;
  int64_t batch = 1;
  int threads = 1;
  double seconds = 0.05, peak = 0;
  app.add_option("--network", names, "networks; all of them without");
  app.add_option("--batch", batch);
  app.add_option("--threads", threads);
  app.add_option("--isa", isa, "instruction set");
  app.add_option("--seconds", seconds, "for each layer");
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
