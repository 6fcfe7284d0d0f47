#include "tuco/devices/cpu/algorithms.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <iterator>

#include "tuco/core/error.h"
#include "tuco/devices/cpu/winograd.h"

namespace tuco::cpu {
namespace {

constexpr std::string_view kPassNames[] = {"forward", "inference", "grad_input", "grad_weight"};
constexpr std::string_view kNames[] = {"direct", "winograd2", "winograd4"};

/// Below, vectors of channels are mostly empty.
constexpr int64_t kFewestChannels = 12;

constexpr int kChannelClasses = static_cast<int>(std::size(ShapeClass::kChannels));

/// [pass][batch][channels]: a letter for each side, d, 2 or 4.
constexpr std::string_view kTable[kPasses][std::size(ShapeClass::kBatches)][kChannelClasses] = {
#include "tuco/devices/cpu/algorithms_table.inc"
};

std::optional<Algorithm> from_environment() {
  const char* text = std::getenv("TUCO_CONV2D");
  if (!text || !*text) return std::nullopt;
  const auto* name = std::find(std::begin(kNames), std::end(kNames), std::string_view(text));
  require<DeviceError>(name != std::end(kNames),
                       "TUCO_CONV2D: \"{}\", expected direct, winograd2 or winograd4", text);
  return static_cast<Algorithm>(name - std::begin(kNames));
}

std::optional<Algorithm>& forced() {
  static std::optional<Algorithm> algorithm = from_environment();
  return algorithm;
}

/// Which of `count` powers of two from `first` on is nearest to the root of `product`.
int nearest_power(double product, int64_t first, size_t count) {
  const double steps =
      std::log2(std::max(product, 1.0)) / 2 - std::log2(static_cast<double>(first));
  return static_cast<int>(
      std::clamp<int64_t>(std::lround(steps), 0, static_cast<int64_t>(count) - 1));
}

}  // namespace

std::string_view pass_name(Pass pass) { return kPassNames[static_cast<int>(pass)]; }
std::string_view algorithm_name(Algorithm algorithm) { return kNames[static_cast<int>(algorithm)]; }

bool is_able(Algorithm algorithm, const WindowGeometry& g) {
  return algorithm == Algorithm::direct || is_winograd_shape(g);
}

void force_algorithm(std::optional<Algorithm> algorithm) { forced() = algorithm; }

ShapeClass shape_class(const WindowGeometry& g) {
  using C = ShapeClass;
  return {g.batch < 4 ? 0 : 1,
          nearest_power(static_cast<double>(g.in_c) * static_cast<double>(g.out_c), C::kChannels[0],
                        std::size(C::kChannels)),
          nearest_power(static_cast<double>(g.out_h) * static_cast<double>(g.out_w), C::kSides[0],
                        std::size(C::kSides))};
}

Algorithm table_entry(Pass pass, const ShapeClass& c) {
  const char letter = kTable[static_cast<int>(pass)][c.batch][c.channels][c.side];
  return letter == '4'   ? Algorithm::winograd4
         : letter == '2' ? Algorithm::winograd2
                         : Algorithm::direct;
}

Algorithm choose_algorithm(Pass pass, const WindowGeometry& g) {
  if (forced()) return is_able(*forced(), g) ? *forced() : Algorithm::direct;
  if (!is_winograd_shape(g) || std::min(g.in_c, g.out_c) < kFewestChannels)
    return Algorithm::direct;
  return table_entry(pass, shape_class(g));
}

}  // namespace tuco::cpu
