#include "tuco/deploy/calibrate.h"

#include "tuco/autograd/functions.h"
#include "tuco/core/error.h"
#include "tuco/core/parallel.h"
#include "tuco/deploy/run_graph.h"

namespace tuco::deploy {
namespace {

constexpr int64_t kBatch = 16;
constexpr int kBins = 2048, kLevels = 256;

/// Calls see(value, elements) for every value on every batch of the samples. A network with states
/// sees them one after another.
template <class See>
void run_batches(const Graph& graph, const Tensor& samples, See&& see) {
  const int64_t batch = graph.states.empty() ? kBatch : 1;
  std::vector<Tensor> states;
  for (int64_t first = 0; first < samples.dim(0); first += batch)
    run_graph(
        graph, {contiguous(slice(samples, 0, first, first + batch))},
        [&](int value, const Tensor& tensor) {
          if (tensor.dtype() != DType::float32) return;
          const Tensor flat = dense(tensor);
          see(value, std::span<const float>(flat.data<float>(), flat.numel()));
        },
        &states);
}

/// How often values fell in each of kBins equal parts of a range.
struct Histogram {
  Range range;
  std::vector<double> counts = std::vector<double>(kBins, 0);

  float width() const { return (range.high - range.low) / kBins; }
  /// Whether numbers can be told where they fall: width and its reciprocal are finite.
  bool has_bins() const { return !range.is_empty() && std::isnormal(width()); }
  void add(std::span<const float> values) {
    const float scale = 1 / width();
    for (const float v : values)
      ++counts[std::clamp(static_cast<int>((v - range.low) * scale), 0, kBins - 1)];
  }

  /// Sum of squared errors when [low, high] is rounded to kLevels values and the rest cut off.
  double error(float low, float high) const {
    const double step = (high - low) / (kLevels - 1);
    double total = 0;
    for (int i = 0; i < kBins; ++i) {
      if (counts[i] == 0) continue;
      const double centre = range.low + (i + 0.5) * width();
      const double cut = std::clamp<double>(centre, low, high);
      // Inside the range the error of rounding is taken as uniform, which the bins' width blurs.
      total += counts[i] * ((centre - cut) * (centre - cut) + step * step / 12);
    }
    return total;
  }

  /// The least lossy range. Zero stays inside: padding and ReLU need it exact.
  Range best() const {
    constexpr int kSteps = 64;
    Range best_range = range;
    double least = error(range.low, range.high);
    // Each end moves on its own: activations are seldom symmetric.
    for (int round = 0; round < 2; ++round)
      for (const bool move_high : {true, false}) {
        const Range from = best_range;
        for (int i = kSteps / 4; i < kSteps; ++i) {
          Range candidate = from;
          const float fraction = static_cast<float>(i) / kSteps;
          (move_high ? candidate.high : candidate.low) =
              fraction * (move_high ? range.high : range.low);
          if (candidate.low > 0 || candidate.high < 0 || candidate.low >= candidate.high) continue;
          const double loss = error(candidate.low, candidate.high);
          if (loss < least) {
            least = loss;
            best_range = candidate;
          }
        }
      }
    return best_range;
  }
};

}  // namespace

std::vector<Range> calibrate(const Graph& graph, const Tensor& samples, Calibration method) {
  require<Error>(samples.rank() > 0 && samples.dim(0) > 0, "calibrate: no samples");
  std::vector<Range> ranges(graph.values.size());
  run_batches(graph, samples, [&](int value, std::span<const float> values) {
    // Zero is part of every range, so that it has an integer of its own.
    Range& range = ranges[value];
    if (range.is_empty()) range = {0, 0};
    for (const float v : values) {
      require<Error>(std::isfinite(v), "calibrate: \"{}\" has a value that is not finite",
                     graph.values[value].name);
      range.low = std::min(range.low, v);
      range.high = std::max(range.high, v);
    }
  });
  if (method == Calibration::min_max) return ranges;

  std::vector<Histogram> histograms(graph.values.size());
  for (size_t v = 0; v < ranges.size(); ++v) histograms[v].range = ranges[v];
  run_batches(graph, samples, [&](int value, std::span<const float> values) {
    if (histograms[value].has_bins()) histograms[value].add(values);
  });
  parallel_for(0, static_cast<int64_t>(ranges.size()), 1, [&](int64_t begin, int64_t end) {
    for (int64_t v = begin; v < end; ++v)
      if (histograms[v].has_bins()) ranges[v] = histograms[v].best();
  });
  return ranges;
}

}  // namespace tuco::deploy
