// Inference with one network: a contestant of bench/peers (contestant.h), or with --seconds a
// program of its own. Weights are random; int8 is calibrated on random images.
#include <CLI/CLI.hpp>
#include <algorithm>

#include "tuco/bench/contestant.h"
#include "tuco/bench/networks.h"
#include "tuco/core/backend.h"
#include "tuco/deploy/engine/context.h"
#include "tuco/deploy/passes.h"
#include "tuco/deploy/trace.h"
#include "tuco/tuco.h"

namespace {

using namespace tuco;

deploy::Plan compile(const Sequential& net, const Tensor& images, bool int8,
                     const deploy::PlanOptions& options) {
  Graph graph = deploy::trace(net, contiguous(slice(images, 0, 0, 1)));
  deploy::optimize(graph);
  if (int8) return deploy::Plan::compile(deploy::quantize(graph, images), options);
  return deploy::Plan::compile(graph, options);
}

/// Statistics like those of a trained network: of the images that come in.
void settle_batch_norm(const Sequential& net, const Tensor& images) {
  const NoGrad quiet;
  net.train();
  for (int i = 0; i < 20; ++i) (void)net(images);
  net.eval();
}

}  // namespace

int main(int argc, char** argv) try {
  std::string name = "catdog_128", type = "fp32", where = "cpu";
  int64_t batch = 1;
  int threads = 1;
  double seconds = 0;
  bool layers = false, separate = false;
  bench::NetworkOptions options;
  CLI::App app("Times inferences with one network.");
  app.add_option("network", name, "catdog_128, resnet8_32, mobilenet_v1_025_96, resnet18_128, ...");
  app.add_option("--dtype", type, "fp32 or int8")->check(CLI::IsMember({"fp32", "int8"}));
  app.add_option("--batch", batch, "images in a run")->check(CLI::PositiveNumber);
  app.add_option("--threads", threads)->check(CLI::PositiveNumber);
  app.add_option("--size", options.size, "height and width of the images");
  app.add_option("--width", options.width, "times the channels (catdog_128)");
  app.add_option("--depth", options.depth, "convolutions in a stage (catdog_128)");
  app.add_flag("--tensorflow-padding", options.tensorflow_padding,
               "pad strided convolutions as TensorFlow does");
  app.add_option("--device", where, "what computes: cpu or cuda");
  app.add_flag("--separate", separate, "on a GPU, a launch for each kernel");
  app.add_option("--seconds", seconds, "run for so long and print the times");
  app.add_flag("--layers", layers, "with --seconds, the time of each step too");
  CLI11_PARSE(app, argc, argv);

  set_num_threads(threads);
  manual_seed(1);
  const bench::Network& network = bench::network(name);
  const Sequential net = network.make(options);
  const Tensor images = randn(network.batch_shape(8, options));
  settle_batch_norm(net, images);
  const Device device = Device::parse(where);
  const deploy::Plan plan =
      compile(net, images, type == "int8", {.max_batch = batch, .device = device});
  deploy::Context context(plan, {.one_launch = !separate});
  std::vector<Tensor> repeated(batch, slice(images, 0, 0, 1));
  const Tensor input = concat(repeated);
  context.input(batch).copy_(
      type == "int8" ? deploy::quantize_values(input, *plan.input_quantization()) : input);
  const auto run = [&] {
    context.run(batch);
    if (device != Device::cpu()) backend(device).synchronize();
  };
  for (int i = 0; i < 2; ++i) run();  // the second may make one launch of it
  if (!context.launch_note(batch).empty())
    fmt::print(stderr, "infer_bench: {}\n", context.launch_note(batch));
  if (seconds <= 0) {
    bench::serve(run);
    return 0;
  }

  const auto times = bench::times_within(seconds, run);
  fmt::print("{} {} on {}, batch {}, {} threads: {:.1f} us at the median of {}, {:.1f} at best\n",
             name, type, device, batch, threads, times[times.size() / 2], times.size(), times[0]);
  if (!layers) return 0;
  std::vector<double> parts, least(plan.steps().size(), 1e9);
  bench::times_within(seconds, [&] {
    context.run(batch, parts);
    for (size_t i = 0; i < parts.size(); ++i) least[i] = std::min(least[i], 1e6 * parts[i]);
  });
  for (size_t i = 0; i < least.size(); ++i)
    fmt::print("  {:8.1f} us  {} {} {}\n", least[i], plan.steps()[i].op, plan.steps()[i].output,
               plan.steps()[i].module);
} catch (const std::exception& error) {
  fmt::print(stderr, "infer_bench: {}\n", error.what());
  return 1;
}
