// Which algorithm computes a convolution: rows of a committed table (algorithms_table.inc), which
// `tuco tune` measures and rewrites. Nothing is timed while a program runs, so that results depend on
// shapes alone.
#pragma once
#include <optional>
#include <string_view>

#include "tuco/core/ops/window.h"

namespace tuco::cpu {

enum class Pass { forward, grad_input, grad_weight };
enum class Algorithm { direct, winograd2, winograd4 };

/// "direct", "winograd2" or "winograd4".
std::string_view algorithm_name(Algorithm algorithm);
/// Whether the algorithm can do it.
bool is_able(Algorithm algorithm, const WindowGeometry& g);
/// The table's answer. The environment variable TUCO_CONV2D names another algorithm, which is taken
/// where it is able; DeviceError if it names none.
Algorithm choose_algorithm(Pass pass, const WindowGeometry& g);
/// Takes an algorithm wherever it is able, for tests and benchmarks; none: asks the table again. No
/// kernel may be running.
void force_algorithm(std::optional<Algorithm> algorithm);

}  // namespace tuco::cpu
