// The page of `tuco bench --html`: the figures first, then the charts, then the numbers behind
// them.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "tuco/core/text.h"
#include "tuco/tools/bench_report.h"
#include "tuco/tools/page.h"
#include "tuco/tools/svg.h"

namespace tuco::tools {
namespace {

constexpr double kWidth = 940;

std::string key(const BenchReport& report) {
  std::string text;
  for (const Variant& v : report.variants)
    text += fmt::format("<span class=\"key {0}\"></span>{0}", v.type);
  return text;
}

std::string micros(double value) {
  return value >= 9999.5  ? fmt::format("{:.1f} ms", value / 1000)
         : value >= 99.95 ? fmt::format("{:.0f} µs", value)
                          : fmt::format("{:.1f} µs", value);
}

/// The first latency of a type: the fewest threads, the smallest batch.
const Latency& first_of(const BenchReport& report, const std::string& type) {
  return *std::ranges::find(report.latencies, type, &Latency::type);
}

std::string tiles(const BenchReport& report) {
  std::string text = "<div class=\"tiles\">\n";
  const auto tile = [&](const std::string& value, const std::string& name) {
    text += page_tile(value, name);
  };
  for (const Variant& v : report.variants) {
    const Latency& l = first_of(report, v.type);
    tile(micros(l.percentile(0.5)), fmt::format("{}, median, {} thread{}, batch {}", v.type,
                                                l.threads, l.threads > 1 ? "s" : "", l.batch));
  }
  if (report.variants.size() > 1)
    tile(fmt::format("{:.2f} ×", first_of(report, report.variants[0].type).percentile(0.5) /
                                     first_of(report, report.variants[1].type).percentile(0.5)),
         "int8 over fp32");
  for (const Variant& v : report.variants)
    tile(short_bytes(v.constant_bytes),
         fmt::format("{} weights; activations {}", v.type, short_bytes(v.arena_bytes)));
  return text + "</div>\n";
}

/// A histogram for each type over one logarithmic axis.
std::string distribution(const BenchReport& report) {
  constexpr int kBins = 90;
  constexpr double kPanel = 110, kLeft = 40;
  double low = 1e300, high = 0;
  for (const Variant& v : report.variants) {
    low = std::min(low, first_of(report, v.type).micros[0]);
    high = std::max(high, first_of(report, v.type).percentile(0.995));
  }
  const Axis x = Axis::logarithmic(low / 1.05, high * 1.05, kLeft, kWidth - 20);
  const double bottom = 24 + kPanel * static_cast<double>(report.variants.size());
  Svg svg(kWidth, bottom + 44, "Distribution of latencies");
  svg.grid_below(x, 14, bottom, "microseconds a run");
  for (size_t k = 0; k < report.variants.size(); ++k) {
    const Latency& l = first_of(report, report.variants[k].type);
    const double base = 24 + kPanel * static_cast<double>(k + 1);
    const double bin_width = (x.last_pixel() - x.first_pixel()) / kBins;
    std::vector<int> counts(kBins, 0);
    for (const double t : l.micros)
      if (t <= high * 1.05)
        ++counts[std::min(kBins - 1, static_cast<int>((x.pixel(t) - kLeft) / bin_width))];
    const int most = std::max(1, *std::ranges::max_element(counts));
    for (int b = 0; b < kBins; ++b) {
      if (counts[b] == 0) continue;
      const double height = std::max(1.5, (kPanel - 34) * counts[b] / most);
      svg.bar(l.type, kLeft + b * bin_width, base - height, bin_width - 1, height,
              fmt::format("{} of {} runs", counts[b], l.micros.size()), true);
    }
    svg.line("grid", kLeft, base, kWidth - 20, base);
    const double middle = x.pixel(l.percentile(0.5)), late = x.pixel(l.percentile(0.99));
    svg.line(l.type, middle, base - kPanel + 26, middle, base);
    svg.line(l.type, late, base - kPanel + 48, late, base);
    const bool left = middle > kWidth * 0.7;
    svg.text("", middle + (left ? -6 : 6), base - kPanel + 34, left ? "end" : "start",
             fmt::format("{} p50 {}", l.type, micros(l.percentile(0.5))));
    if (std::abs(late - middle) > 4)
      svg.text("tick", late + (late > kWidth * 0.8 ? -6 : 6), base - kPanel + 56,
               late > kWidth * 0.8 ? "end" : "start", "p99 " + micros(l.percentile(0.99)));
  }
  return svg.finish();
}

/// A row for each layer with a bar for each type.
std::string layer_bars(const BenchReport& report) {
  constexpr double kBar = 12, kLeft = 330, kTop = 16;
  const auto pairs = pair_layers(report);
  const double row = kBar * static_cast<double>(report.variants.size()) + 13;
  double most = 0;
  for (const Variant& v : report.variants)
    for (const LayerTime& layer : v.layers) most = std::max(most, layer.micros);
  const Axis x = Axis::linear(most * 1.02, kLeft, kWidth - 90);
  const double bottom = kTop + row * static_cast<double>(pairs.size());
  Svg svg(kWidth, bottom + 44, "Time of each layer");
  svg.grid_below(x, kTop - 6, bottom, "microseconds");
  for (size_t i = 0; i < pairs.size(); ++i) {
    const std::array<int, 2> index = {pairs[i].first, pairs[i].second};
    const double top = kTop + row * static_cast<double>(i);
    std::string name, shape;
    for (size_t k = 0; k < report.variants.size(); ++k) {
      if (index[k] < 0) continue;
      const Variant& v = report.variants[k];
      const LayerTime& layer = v.layers[index[k]];
      name = label(layer);
      shape = layer.output.to_string();
      const double y = top + (kBar + 1) * static_cast<double>(k);
      const double length = std::max(1.0, x.pixel(layer.micros) - kLeft);
      svg.bar(
          v.type, kLeft, y, length, kBar,
          fmt::format("{} {}: {}, {} products, {:.0f} % of the peak", v.type, name,
                      micros(layer.micros), grouped(layer.products), 100 * v.share_of_peak(layer)));
      svg.text("tick", kLeft + length + 5, y + kBar - 2, "start",
               layer.products ? fmt::format("{} · {:.0f} %", short_number(layer.micros),
                                            100 * v.share_of_peak(layer))
                              : short_number(layer.micros));
    }
    const double middle = top + row / 2 - 2;
    if (name.size() > 30) name = "…" + name.substr(name.size() - 29);
    svg.text("", kLeft - 110, middle, "end", name);
    svg.text("tick", kLeft - 8, middle, "end", shape);
  }
  return svg.finish();
}

/// Operations a second over operations a byte, below what the machine allows.
std::string roofline(const BenchReport& report) {
  constexpr double kLeft = 64, kTop = 34, kBottom = 400;
  double low_x = 1e300, high_x = 0, low_y = 1e300, high_y = 0, longest = 0;
  const auto intensity = [](const LayerTime& l) {
    return 2.0 * static_cast<double>(l.products) / static_cast<double>(l.bytes);
  };
  const auto rate = [](const LayerTime& l) {
    return 2e6 * static_cast<double>(l.products) / l.micros;
  };
  for (const Variant& v : report.variants) {
    high_y = std::max(high_y, v.peak);
    high_x = std::max(high_x, v.peak / report.bandwidth);
    for (const LayerTime& layer : v.layers) {
      if (layer.products == 0) continue;
      low_x = std::min(low_x, intensity(layer));
      high_x = std::max(high_x, intensity(layer));
      low_y = std::min(low_y, rate(layer));
      high_y = std::max(high_y, rate(layer));
      longest = std::max(longest, layer.micros);
    }
  }
  if (longest == 0) return "<p>No layer has products.</p>\n";
  const Axis x = Axis::logarithmic(low_x / 1.5, high_x * 2, kLeft, kWidth - 20);
  const Axis y = Axis::logarithmic(low_y / 2, high_y * 1.6, kBottom, kTop);
  Svg svg(kWidth, kBottom + 44, "Roofline");
  svg.grid_below(x, kTop, kBottom, "operations a byte (activations and weights moved once)");
  svg.grid_left(y, kLeft, kWidth - 20, "operations a second");
  double steepest = 0;
  for (const Variant& v : report.variants) {
    const double corner = v.peak / report.bandwidth;
    steepest = std::max(steepest, corner);
    svg.line("roof " + v.type, x.pixel(corner), y.pixel(v.peak), kWidth - 20, y.pixel(v.peak));
    svg.text("", kWidth - 24, y.pixel(v.peak) - 7, "end",
             fmt::format("{} peak of a thread, {:.0f} {}", v.type, v.peak / 1e9,
                         v.type == "int8" ? "GOP/s" : "GFLOP/s"));
  }
  const double start = std::max(low_x / 1.5, low_y / 2 / report.bandwidth);
  svg.line("edge", x.pixel(start), y.pixel(start * report.bandwidth), x.pixel(steepest),
           y.pixel(steepest * report.bandwidth));
  svg.text("tick", x.pixel(start) + 26, y.pixel(start * report.bandwidth) - 6, "start",
           fmt::format("main memory, {:.0f} GB/s", report.bandwidth / 1e9));
  for (const Variant& v : report.variants)
    for (const LayerTime& layer : v.layers)
      if (layer.products > 0)
        svg.circle(v.type, x.pixel(intensity(layer)), y.pixel(rate(layer)),
                   4 + 9 * std::sqrt(layer.micros / longest),
                   fmt::format("{} {}: {}, {}OP/s, {:.0f} % of the peak", v.type, label(layer),
                               micros(layer.micros), short_number(rate(layer)),
                               100 * v.share_of_peak(layer)));
  return svg.finish();
}

std::string throughput(const BenchReport& report) {
  constexpr double kLeft = 64, kTop = 34, kBottom = 230;
  std::vector<std::pair<int, int64_t>> settings;
  double most = 0;
  for (const Latency& l : report.latencies) {
    if (!std::ranges::count(settings, std::pair(l.threads, l.batch)))
      settings.emplace_back(l.threads, l.batch);
    most = std::max(most, l.images_per_second());
  }
  const Axis y = Axis::linear(most * 1.05, kBottom, kTop);
  Svg svg(kWidth, kBottom + 30, "Throughput");
  svg.grid_left(y, kLeft, kWidth - 20, "images a second");
  const double slot = (kWidth - 20 - kLeft) / static_cast<double>(settings.size());
  const double width = std::min(44.0, slot / (static_cast<double>(report.variants.size()) + 0.8));
  for (size_t i = 0; i < settings.size(); ++i) {
    const auto [threads, batch] = settings[i];
    const double middle = kLeft + slot * (static_cast<double>(i) + 0.5);
    double at = middle - width * static_cast<double>(report.variants.size()) / 2;
    for (const Latency& l : report.latencies) {
      if (std::pair(l.threads, l.batch) != settings[i]) continue;
      const double top = y.pixel(l.images_per_second());
      svg.bar(l.type, at + 1, top, width - 2, kBottom - top,
              fmt::format("{}: {} images a second", l.type, short_number(l.images_per_second())),
              true);
      svg.text("tick", at + width / 2, top - 5, "middle", short_number(l.images_per_second()));
      at += width;
    }
    svg.text("", middle, kBottom + 18, "middle",
             fmt::format("{} thread{}, batch {}", threads, threads > 1 ? "s" : "", batch));
  }
  return svg.finish();
}

std::string latency_table(const BenchReport& report) {
  std::string text =
      "<div class=\"scroll\"><table><tr><th>type</th><th>threads</th><th>batch</th><th>p50, µs</th>"
      "<th>p90</th><th>p99</th><th>min</th><th>runs</th><th>images/s</th></tr>\n";
  for (const Latency& l : report.latencies)
    text += fmt::format(
        "<tr><td>{}</td><td>{}</td><td>{}</td><td>{:.1f}</td><td>{:.1f}</td><td>{:.1f}</td>"
        "<td>{:.1f}</td><td>{}</td><td>{:.1f}</td></tr>\n",
        l.type, l.threads, l.batch, l.percentile(0.5), l.percentile(0.9), l.percentile(0.99),
        l.micros[0], l.micros.size(), l.images_per_second());
  return text + "</table></div>\n";
}

std::string layer_table(const BenchReport& report) {
  std::string text =
      "<div class=\"scroll\"><table><tr><th>layer</th><th>output</th>"
      "<th>products</th>";
  for (const Variant& v : report.variants)
    text += fmt::format("<th>{}, µs</th><th>of peak</th><th>GB/s</th>", v.type);
  text += "</tr>\n";
  for (const LayerPair& pair : pair_layers(report)) {
    const std::array<int, 2> index = {pair.first, pair.second};
    const LayerTime& any = pair.first >= 0 ? report.variants[0].layers[pair.first]
                                           : report.variants[1].layers[pair.second];
    text += fmt::format("<tr><td>{}</td><td>{}</td><td>{}</td>", escaped(label(any)),
                        any.output.to_string(), grouped(any.products));
    for (size_t k = 0; k < report.variants.size(); ++k) {
      if (index[k] < 0) {
        text += "<td></td><td></td><td></td>";
        continue;
      }
      const LayerTime& layer = report.variants[k].layers[index[k]];
      text += fmt::format("<td>{:.1f}</td><td>{:.0f} %</td><td>{:.1f}</td>", layer.micros,
                          100 * report.variants[k].share_of_peak(layer),
                          layer.bytes_per_second() / 1e9);
    }
    text += "</tr>\n";
  }
  return text + "</table></div>\n";
}

}  // namespace

std::string BenchReport::to_html() const {
  std::string text = page_begin("tuco bench " + model, model, machine);
  for (const std::string& note : notes) text += fmt::format("<p>Note: {}</p>\n", escaped(note));
  text += tiles(*this);
  const auto section = [&](const std::string& title, const std::string& words,
                           const std::string& content) {
    text += page_section(title, words, content);
  };
  const std::string keys = key(*this);
  section("Latency", fmt::format("Runs of the first setting, counted by their time.{}", keys),
          distribution(*this));
  section("Layers",
          fmt::format(
              "Median time of each layer on one thread, batch 1; beside the bars "
              "microseconds, and the share of the peak of one thread, products counted as a direct "
              "convolution has them: Winograd's are fewer.{}",
              keys),
          layer_bars(*this));
  section("Roofline",
          fmt::format("Each layer with products below what the machine allows; larger dots take "
                      "longer. What fits the caches may pass the line of main memory.{}",
                      keys),
          roofline(*this));
  section("Throughput", "Images a second at the median." + keys, throughput(*this));
  section("All latencies", "Microseconds.", latency_table(*this));
  section(
      "All layers",
      "One thread, batch 1. Products are those of a direct convolution; GB/s counts activations "
      "and weights once.",
      layer_table(*this));
  return text + page_end();
}

}  // namespace tuco::tools
