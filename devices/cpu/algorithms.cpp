#include "tuco/devices/cpu/algorithms.h"

#include <algorithm>
#include <cstdlib>
#include <iterator>

#include "tuco/core/error.h"
#include "tuco/devices/cpu/winograd.h"

namespace tuco::cpu {
namespace {

constexpr std::string_view kNames[] = {"direct", "winograd2", "winograd4"};

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

}  // namespace

std::string_view algorithm_name(Algorithm algorithm) {
  return kNames[static_cast<int>(algorithm)];
}

bool is_able(Algorithm algorithm, const WindowGeometry& g) {
  return algorithm == Algorithm::direct || is_winograd_shape(g);
}

void force_algorithm(std::optional<Algorithm> algorithm) { forced() = algorithm; }

Algorithm choose_algorithm(Pass, const WindowGeometry& g) {
  if (forced()) return is_able(*forced(), g) ? *forced() : Algorithm::direct;
  if (!is_winograd_shape(g) || std::min(g.in_c, g.out_c) < 16) return Algorithm::direct;
  if (std::min(g.out_h, g.out_w) < 4) return Algorithm::direct;
  // Beyond, the transformed filter of F(4x4) leaves the last cache.
  return g.in_c * g.out_c <= 300 * 300 ? Algorithm::winograd4 : Algorithm::winograd2;
}

}  // namespace tuco::cpu
