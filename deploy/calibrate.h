// Calibration: the range of each activation of a float graph, seen on sample data.
#pragma once
#include <vector>

#include "tuco/core/graph.h"

namespace tuco::deploy {

/// The real numbers that a value's integers must cover; empty (low > high) where nothing was seen.
struct Range {
  float low = 1, high = -1;
  bool is_empty() const { return low > high; }
  friend bool operator==(const Range&, const Range&) = default;
};

/// How ranges are chosen.
enum class Calibration {
  /// From the smallest to the largest value seen.
  min_max,
  /// The range within that which loses least, in mean square error, when values outside are cut off
  /// and those inside rounded to 256 levels.
  mean_square_error,
};

/// A range for each value of the graph (empty for constants), from running it on `samples`, whose
/// first dimension is the batch; to a network with states they are one sequence of runs. Throws
/// Error without samples, or if a value is not finite.
std::vector<Range> calibrate(const Graph& graph, const Tensor& samples,
                             Calibration method = Calibration::mean_square_error);

}  // namespace tuco::deploy
