#include "tuco/deploy/report.h"

#include <map>
#include <nlohmann/json.hpp>

#include "tuco/autograd/functions.h"
#include "tuco/autograd/grad_mode.h"
#include "tuco/core/error.h"
#include "tuco/core/file.h"
#include "tuco/core/text.h"
#include "tuco/deploy/cost.h"
#include "tuco/deploy/interpreter.h"
#include "tuco/deploy/run_graph.h"

namespace tuco::deploy {
namespace {

double percent(int64_t part, int64_t whole) {
  return whole ? 100.0 * static_cast<double>(part) / static_cast<double>(whole) : 0;
}

}  // namespace

std::string node_label(const Graph::Node& node) {
  return node.name.empty() ? name(node.op) : fmt::format("{} {}", name(node.op), node.name);
}

double Accuracy::float_percent() const { return percent(float_right, samples); }
double Accuracy::int8_percent() const { return percent(int8_right, samples); }
double Accuracy::changed_percent() const { return percent(changed, samples); }

Report make_report(const Graph& graph, const QuantizedModel& model, const Tensor& samples,
                   const std::string& name) {
  Report report;
  report.name = name;
  for (const Graph::Node& node : graph.nodes) report.products += cost_of(graph, node).products;
  for (const Graph::Value& value : graph.values)
    if (value.constant.defined()) report.parameters += value.constant.numel();
  report.float_bytes = report.parameters * 4;
  const CSource c = generate_c(model, "model");
  report.constant_bytes = c.constants.total();
  report.arena_bytes = c.arena_bytes;
  report.arena_lower_bound = c.arena_lower_bound;

  // Quantization keeps the order of the nodes, so that they pair up.
  require<Error>(graph.nodes.size() == model.graph.nodes.size(),
                 "make_report: the model has {} nodes, the graph {}", model.graph.nodes.size(),
                 graph.nodes.size());
  std::map<int, Tensor> real;
  run_graph(graph, {samples}, [&](int value, const Tensor& tensor) { real[value] = tensor; });
  std::map<int, Tensor> integers;
  const int input = model.graph.inputs.at(0);
  interpret(model, quantize_values(samples, *model.graph.values[input].quantization),
            [&](int value, const Tensor& tensor) { integers[value] = tensor; });
  NoGrad quiet;
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    const Tensor x = real.at(graph.nodes[i].outputs[0]);
    const int value = model.graph.nodes[i].outputs[0];
    const Tensor y = dequantize_values(integers.at(value), *model.graph.values[value].quantization);
    const double signal = sum(pow(x.to(DType::float64), 2)).item<double>();
    const double noise = sum(pow(x.to(DType::float64) - y.to(DType::float64), 2)).item<double>();
    report.layers.push_back(
        {node_label(graph.nodes[i]), x.shape(), 10 * std::log10(signal / std::max(noise, 1e-30))});
    report.layers.back().shape[0] = 1;
  }
  return report;
}

std::string Report::to_text() const {
  std::string text = fmt::format("Report on {}\n\n", name);
  if (accuracy)
    text += fmt::format(
        "accuracy on {} samples   float32 {:.2f} %   int8 {:.2f} %   answers changed {:.2f} %\n",
        accuracy->samples, accuracy->float_percent(), accuracy->int8_percent(),
        accuracy->changed_percent());
  text += fmt::format(
      "parameters {}   products an image {}\n"
      "float32 weights {} bytes   int8 constants {} bytes   arena {} bytes (no plan can do with "
      "less than {})\n\n",
      grouped(parameters), grouped(products), grouped(float_bytes), grouped(constant_bytes),
      grouped(arena_bytes), grouped(arena_lower_bound));
  if (layers.empty()) return text;
  const auto worst = std::ranges::min_element(layers, {}, &LayerNoise::signal_to_noise_db);
  size_t width = 0;
  for (const LayerNoise& layer : layers) width = std::max(width, layer.name.size());
  text += fmt::format("{:<{}}  {:<20}  signal to noise\n", "layer", width, "output");
  for (const LayerNoise& layer : layers)
    text +=
        fmt::format("{:<{}}  {:<20}  {:6.1f} dB{}\n", layer.name, width, layer.shape.to_string(),
                    layer.signal_to_noise_db, &layer == &*worst ? "   worst" : "");
  return text;
}

std::string Report::to_json() const {
  nlohmann::ordered_json json = {{"name", name},
                                 {"parameters", parameters},
                                 {"products", products},
                                 {"float_bytes", float_bytes},
                                 {"constant_bytes", constant_bytes},
                                 {"arena_bytes", arena_bytes},
                                 {"arena_lower_bound", arena_lower_bound}};
  if (accuracy) {
    // Shares, where the text has percentages.
    json["samples"] = accuracy->samples;
    json["accuracy"] = accuracy->float_percent() / 100;
    json["int8_accuracy"] = accuracy->int8_percent() / 100;
    json["answers_changed"] = accuracy->changed_percent() / 100;
  }
  for (const LayerNoise& layer : layers)
    json["layers"].push_back(
        {{"name", layer.name},
         {"output", std::vector<int64_t>(layer.shape.begin(), layer.shape.end())},
         {"signal_to_noise_db", layer.signal_to_noise_db}});
  return json.dump(2) + "\n";
}

void count_right(Context& in_float, Context& in_int8, const Tensor& images, const Tensor& labels,
                 Accuracy& accuracy) {
  const auto expected = labels.to_vector<int64_t>();
  const auto a = argmax(in_float(images), 1).to_vector<int64_t>();
  const auto b = argmax(in_int8(images), 1).to_vector<int64_t>();
  for (size_t i = 0; i < expected.size(); ++i) {
    ++accuracy.samples;
    accuracy.float_right += a[i] == expected[i];
    accuracy.int8_right += b[i] == expected[i];
    accuracy.changed += a[i] != b[i];
  }
}

void write_report(const Report& report, const std::string& path) {
  write_file(path + ".txt", report.to_text());
  write_file(path + ".json", report.to_json());
}

}  // namespace tuco::deploy
