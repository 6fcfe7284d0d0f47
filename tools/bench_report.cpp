#include "tuco/tools/bench_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "tuco/core/text.h"

namespace tuco::tools {

double Latency::percentile(double p) const {
  const double rank = std::ceil(p * static_cast<double>(micros.size())) - 1;
  return micros[std::clamp<size_t>(static_cast<size_t>(std::max(rank, 0.0)), 0, micros.size() - 1)];
}

double Latency::images_per_second() const {
  return 1e6 * static_cast<double>(batch) / percentile(0.5);
}

int64_t Variant::products() const {
  int64_t sum = 0;
  for (const LayerTime& layer : layers) sum += layer.products;
  return sum;
}

double Variant::share_of_peak(const LayerTime& layer) const {
  return 2e6 * static_cast<double>(layer.products) / layer.micros / peak;
}

namespace {

/// The canonical op, whatever form a plan gave it.
std::string family(const std::string& op) {
  if (op.starts_with("fused_")) return op.substr(6);
  return op.starts_with("q") && op != "quantize_linear" ? op.substr(1) : op;
}

}  // namespace

std::string label(const LayerTime& layer) {
  return layer.module.empty() ? family(layer.op)
                              : fmt::format("{} {}", family(layer.op), layer.module);
}

std::vector<LayerPair> pair_layers(const BenchReport& report) {
  std::vector<LayerPair> pairs;
  const auto& a = report.variants.at(0).layers;
  const auto& b = report.variants.size() > 1 ? report.variants[1].layers : a;
  // The longest common subsequence; what is in one alone comes where it is there.
  const size_t rows = a.size(), columns = b.size();
  std::vector<std::vector<int>> common(rows + 1, std::vector<int>(columns + 1, 0));
  const auto same = [&](size_t i, size_t j) { return label(a[i]) == label(b[j]); };
  for (size_t i = rows; i-- > 0;)
    for (size_t j = columns; j-- > 0;)
      common[i][j] =
          same(i, j) ? common[i + 1][j + 1] + 1 : std::max(common[i + 1][j], common[i][j + 1]);
  for (size_t i = 0, j = 0; i < rows || j < columns;) {
    if (i < rows && j < columns && same(i, j))
      pairs.push_back({static_cast<int>(i++), static_cast<int>(j++)});
    else if (j >= columns || (i < rows && common[i + 1][j] >= common[i][j + 1]))
      pairs.push_back({static_cast<int>(i++), -1});
    else
      pairs.push_back({-1, static_cast<int>(j++)});
  }
  return pairs;
}

std::string BenchReport::to_text() const {
  std::string text = fmt::format("{} on {}\n", model, machine);
  for (const std::string& note : notes) text += fmt::format("note: {}\n", note);
  text += "\n";
  for (const Variant& v : variants)
    text += fmt::format(
        "{}: {} products an image, {} bytes of constants, an arena of {} bytes; a thread peaks at "
        "{:.0f} {}\n",
        v.type, grouped(v.products()), grouped(v.constant_bytes), grouped(v.arena_bytes),
        v.peak / 1e9, v.type == "int8" ? "GOP/s" : "GFLOP/s");
  text += fmt::format("\n{:<6}{:>8}{:>7}{:>12}{:>10}{:>10}{:>10}{:>12}   microseconds\n", "type",
                      "threads", "batch", "p50", "p90", "p99", "min", "images/s");
  for (const Latency& l : latencies)
    text += fmt::format("{:<6}{:>8}{:>7}{:>12.1f}{:>10.1f}{:>10.1f}{:>10.1f}{:>12.1f}\n", l.type,
                        l.threads, l.batch, l.percentile(0.5), l.percentile(0.9),
                        l.percentile(0.99), l.micros[0], l.images_per_second());

  size_t width = 5;
  const auto pairs = pair_layers(*this);
  for (const Variant& v : variants)
    for (const LayerTime& layer : v.layers) width = std::max(width, label(layer).size());
  text += fmt::format(
      "\nLayers, 1 thread, batch 1: us, the share of the peak (a direct convolution's products; "
      "Winograd's are\nfewer), and GB/s of activations and weights (main memory gives {:.1f}, "
      "caches more)\n{:<{}}  {:<14}{:>12}",
      bandwidth / 1e9, "layer", width, "output", "products");
  for (const Variant& v : variants) text += fmt::format("{:>10}{:>7}{:>7}", v.type, "peak", "GB/s");
  text += "\n";
  for (const LayerPair& pair : pairs) {
    const std::array<int, 2> index = {pair.first, pair.second};
    const LayerTime& any =
        pair.first >= 0 ? variants[0].layers[pair.first] : variants[1].layers[pair.second];
    text += fmt::format("{:<{}}  {:<14}{:>12}", label(any), width, any.output.to_string(),
                        grouped(any.products));
    for (size_t k = 0; k < variants.size(); ++k) {
      if (index[k] < 0) {
        text += fmt::format("{:>24}", "");
        continue;
      }
      const LayerTime& layer = variants[k].layers[index[k]];
      text += fmt::format("{:>10.1f}{:>6.0f}%{:>7.1f}", layer.micros,
                          100 * variants[k].share_of_peak(layer), layer.bytes_per_second() / 1e9);
    }
    text += "\n";
  }
  return text;
}

std::string BenchReport::to_json() const {
  using Json = nlohmann::ordered_json;
  Json json = {{"model", model}, {"machine", machine}, {"bandwidth", bandwidth}, {"notes", notes}};
  for (const Variant& v : variants) {
    Json entry = {{"type", v.type},
                  {"products", v.products()},
                  {"constant_bytes", v.constant_bytes},
                  {"arena_bytes", v.arena_bytes},
                  {"peak", v.peak},
                  {"layers", Json::array()}};
    for (const LayerTime& layer : v.layers)
      entry["layers"].push_back(
          {{"op", layer.op},
           {"module", layer.module},
           {"output", std::vector<int64_t>(layer.output.begin(), layer.output.end())},
           {"products", layer.products},
           {"bytes", layer.bytes},
           {"micros", layer.micros},
           {"share_of_peak", v.share_of_peak(layer)},
           {"bytes_per_second", layer.bytes_per_second()}});
    json["variants"].push_back(std::move(entry));
  }
  for (const Latency& l : latencies)
    json["latencies"].push_back({{"type", l.type},
                                 {"threads", l.threads},
                                 {"batch", l.batch},
                                 {"runs", l.micros.size()},
                                 {"p50", l.percentile(0.5)},
                                 {"p90", l.percentile(0.9)},
                                 {"p99", l.percentile(0.99)},
                                 {"min", l.micros[0]},
                                 {"images_per_second", l.images_per_second()}});
  return json.dump(2) + "\n";
}

}  // namespace tuco::tools
