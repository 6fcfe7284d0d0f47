#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "tuco/autograd/functions.h"
#include "tuco/core/backend.h"
#include "tuco/core/error.h"
#include "tuco/core/file.h"
#include "tuco/core/parallel.h"
#include "tuco/core/rng.h"
#include "tuco/deploy/engine/context.h"
#include "tuco/deploy/graph_file.h"
#include "tuco/deploy/passes.h"
#include "tuco/devices/cpu/machine_peak.h"
#include "tuco/tools/bench_machine.h"
#include "tuco/tools/bench_report.h"
#include "tuco/tools/calibration.h"
#include "tuco/tools/commands.h"

namespace tuco::tools {
namespace {

using Clock = std::chrono::steady_clock;

double micros_since(Clock::time_point start) {
  return std::chrono::duration<double, std::micro>(Clock::now() - start).count();
}

struct Bench {
  std::string model, json, html;
  Quantizing quantizing;
  std::vector<int> threads;
  std::vector<int64_t> batches = {1, 8};
  double seconds = 1;
  bool machine = false;

  void run() {
    if (machine) {
      fmt::print("{}", machine_limits(false));
      if (!json.empty()) write_file(json, machine_limits(true));
      return;
    }
    require<Error>(!model.empty(), "bench: MODEL is required, or --machine");
    if (threads.empty()) {
      threads = {1};
      if (num_threads() > 1) threads.push_back(num_threads());
    }
    std::ranges::sort(threads);
    std::ranges::sort(batches);
    set_num_threads(threads.back());

    BenchReport report;
    report.model = model;
    const auto plans = compile(report);
    const cpu::ArithmeticPeak peak = cpu::measure_arithmetic(cpu::active_isa(), 1);
    report.bandwidth = cpu::measure_bandwidth(1).read;
    report.machine = fmt::format("{}, {} threads at most", backend(Device::cpu()).processor(),
                                 std::thread::hardware_concurrency());
    for (const deploy::Plan& plan : plans) report.variants.push_back(variant_of(plan, peak));
    for (const int count : threads)
      for (const int64_t batch : batches)
        for (Latency& latency : measure(plans, count, batch))
          report.latencies.push_back(std::move(latency));
    measure_layers(plans, report);
    fmt::print("{}", report.to_text());
    if (!json.empty()) write_file(json, report.to_json());
    if (!html.empty()) write_file(html, report.to_html());
  }

  /// The model in float32 and int8, as far as both are to be had.
  std::vector<deploy::Plan> compile(BenchReport& report) const {
    const deploy::PlanOptions options{.max_batch = batches.back()};
    Graph graph = deploy::load_graph(model);
    require<Error>(graph.inputs.size() == 1 && graph.outputs.size() == 1,
                   "bench: {} has {} inputs and {} outputs, expected one of each", model,
                   graph.inputs.size(), graph.outputs.size());
    if (deploy::is_quantized(graph)) {
      report.notes.push_back("an int8 model: there is no float32 one to compare it with");
      return {deploy::Plan::compile(deploy::load_model(model), options)};
    }
    deploy::optimize(graph);
    std::vector<deploy::Plan> plans = {deploy::Plan::compile(graph, options)};
    try {
      const Tensor inputs = sample_inputs(graph, report);
      plans.push_back(deploy::Plan::compile(
          deploy::quantize(graph, inputs, {.calibration = quantizing.method}), options));
      compare_answers(plans, inputs, report);
    } catch (const UnsupportedOp& error) {
      report.notes.push_back(fmt::format("no int8: {}", error.what()));
    }
    return plans;
  }

  Tensor sample_inputs(const Graph& graph, BenchReport& report) const {
    if (!quantizing.calibrate.empty()) return quantizing.sample("bench", model, graph);
    report.notes.push_back(
        "int8 is calibrated on random numbers, for want of --calibrate DIR: its times are right, "
        "its answers mean nothing");
    const TensorMeta meta = graph.values[graph.inputs[0]].meta;
    Shape shape = meta.shape;
    shape[0] = std::min<int64_t>(quantizing.samples, 16);
    Rng rng(1);
    return randn(shape, rng, {meta.dtype});
  }

  static void compare_answers(const std::vector<deploy::Plan>& plans, const Tensor& inputs,
                              BenchReport& report) {
    if (plans[0].outputs()[0].shape.rank() != 2) return;
    const auto classes = [&](const deploy::Plan& plan) {
      return argmax(deploy::Context(plan)(inputs), 1).to_vector<int64_t>();
    };
    const auto a = classes(plans[0]), b = classes(plans[1]);
    size_t same = 0;
    for (size_t i = 0; i < a.size(); ++i) same += a[i] == b[i];
    report.notes.push_back(
        fmt::format("int8 answers as fp32 does on {} of the {} samples", same, a.size()));
  }

  static Variant variant_of(const deploy::Plan& plan, const cpu::ArithmeticPeak& peak) {
    Variant variant{plan.is_quantized() ? "int8" : "fp32",
                    plan.constant_bytes(),
                    plan.arena_bytes(),
                    {},
                    plan.is_quantized() ? peak.int8_ops : peak.flops};
    for (const deploy::PlanStep& step : plan.steps())
      variant.layers.push_back({step.op, step.module, step.output, step.products,
                                step.activation_bytes + step.constant_bytes});
    return variant;
  }

  /// A context with a filled input.
  static deploy::Context filled(const deploy::Plan& plan, int count, int64_t batch) {
    deploy::Context context(plan, {.threads = count});
    Tensor input = context.input(batch);
    Rng rng(7);
    input.copy_(randn(input.shape(), rng) * (plan.is_quantized() ? 40 : 1));
    context.run(batch);
    return context;
  }

  /// Runs of one setting, the plans by turns.
  std::vector<Latency> measure(const std::vector<deploy::Plan>& plans, int count,
                               int64_t batch) const {
    constexpr double kTurn = 2e4;  // microseconds
    std::vector<Latency> latencies;
    std::vector<deploy::Context> contexts;
    for (const deploy::Plan& plan : plans) {
      latencies.push_back({plan.is_quantized() ? "int8" : "fp32", count, batch, {}});
      contexts.push_back(filled(plan, count, batch));
    }
    const auto start = Clock::now();
    do {
      for (size_t k = 0; k < contexts.size(); ++k)
        for (const auto turn = Clock::now(); micros_since(turn) < kTurn;) {
          const auto before = Clock::now();
          contexts[k].run(batch);
          latencies[k].micros.push_back(micros_since(before));
        }
    } while (micros_since(start) < 1e6 * seconds * static_cast<double>(plans.size()));
    for (Latency& latency : latencies) std::ranges::sort(latency.micros);
    return latencies;
  }

  /// Medians of the layers' times, on one thread.
  void measure_layers(const std::vector<deploy::Plan>& plans, BenchReport& report) const {
    for (size_t k = 0; k < plans.size(); ++k) {
      deploy::Context context = filled(plans[k], 1, 1);
      auto& layers = report.variants[k].layers;
      std::vector<std::vector<double>> times(layers.size());
      std::vector<double> parts;
      const auto start = Clock::now();
      do {
        context.run(1, parts);
        for (size_t i = 0; i < parts.size(); ++i) times[i].push_back(1e6 * parts[i]);
      } while (micros_since(start) < 1e6 * seconds || times[0].size() < 5);
      for (size_t i = 0; i < layers.size(); ++i) {
        std::ranges::nth_element(times[i],
                                 times[i].begin() + static_cast<ptrdiff_t>(times[i].size() / 2));
        layers[i].micros = times[i][times[i].size() / 2];
      }
    }
  }
};

}  // namespace

void add_bench(CLI::App& app) {
  auto options = std::make_shared<Bench>();
  CLI::App* command =
      app.add_subcommand("bench", "time a model in float32 and int8, or the machine");
  command->add_option("MODEL", options->model, "model with its graph (.safetensors, .tflite)");
  command->add_flag("--machine", options->machine,
                    "measure the machine's own limits, for each instruction set");
  options->quantizing.add_options(*command);
  command->add_option("--threads", options->threads, "numbers of threads, as 1,2")
      ->delimiter(',')
      ->check(CLI::PositiveNumber);
  command->add_option("--batch", options->batches, "batch sizes, as 1,8")
      ->delimiter(',')
      ->check(CLI::PositiveNumber);
  command->add_option("--seconds", options->seconds, "how long to run each setting")
      ->check(CLI::PositiveNumber);
  command->add_option("--json", options->json, "write the numbers to a file");
  command->add_option("--html", options->html, "write a page with charts");
  command->callback([options] { options->run(); });
}

}  // namespace tuco::tools
