// What `tuco bench MODEL` found, and its three forms: a table, JSON, and a page of HTML.
#pragma once
#include <string>
#include <vector>

#include "tuco/core/shape.h"

namespace tuco::tools {

/// The times of runs with one number of threads and one batch size.
struct Latency {
  /// "fp32" or "int8".
  std::string type;
  int threads = 1;
  int64_t batch = 1;
  /// Microseconds of each run, ascending; there is at least one.
  std::vector<double> micros;

  /// The smallest time that at least the share `p` of the runs did not exceed.
  double percentile(double p) const;
  double images_per_second() const;
};

/// One op of a plan.
struct LayerTime {
  /// The op and its module.
  std::string op, module;
  Shape output;
  /// Of one image: multiply-accumulates; bytes of activations and constants.
  int64_t products = 0, bytes = 0;
  /// Median of the runs, microseconds.
  double micros = 0;

  double bytes_per_second() const { return 1e6 * static_cast<double>(bytes) / micros; }
};

/// A network in one element type.
struct Variant {
  std::string type;
  int64_t constant_bytes = 0, arena_bytes = 0;
  /// For one thread and one image.
  std::vector<LayerTime> layers;
  /// Operations a second that one thread can do at most in this type: two a product.
  double peak = 0;

  int64_t products() const;
  /// The part of it that a layer reaches, its products counted as those of a direct convolution:
  /// Winograd's needs fewer, and may come out above 1.
  double share_of_peak(const LayerTime& layer) const;
};

struct BenchReport {
  std::string model, machine;
  /// Bytes a second that one thread can read from main memory.
  double bandwidth = 0;
  std::vector<std::string> notes;
  /// fp32, int8, or one of them.
  std::vector<Variant> variants;
  std::vector<Latency> latencies;

  std::string to_text() const;
  std::string to_json() const;
  /// A page that needs nothing else, in light and dark.
  std::string to_html() const;
};

/// A layer of the first variant beside the same one of the second; -1 where one has no such layer,
/// as when an addition is fused in one and not in the other.
struct LayerPair {
  int first, second;
};
std::vector<LayerPair> pair_layers(const BenchReport& report);

/// "conv2d features.3".
std::string label(const LayerTime& layer);

}  // namespace tuco::tools
