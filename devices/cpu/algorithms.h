// Which algorithm computes a convolution: an entry of a committed table (algorithms_table.inc) for
// each class of shapes, which `tuco tune` measures and rewrites. Nothing is timed while a program
// runs, so that results depend on shapes alone.
#pragma once
#include <optional>
#include <string_view>

#include "tuco/core/ops/window.h"

namespace tuco::cpu {

/// What is computed; inference is forward with weights packed before.
enum class Pass { forward, inference, grad_input, grad_weight };
enum class Algorithm { direct, winograd2, winograd4 };
inline constexpr int kPasses = 4, kAlgorithms = 3;

/// A class of shapes, by which the table is indexed: few images or many, channels (the geometric
/// mean of in and out) and the side of the output, each to the nearest power of two.
struct ShapeClass {
  static constexpr int64_t kBatches[] = {1, 16}, kChannels[] = {16, 32, 64, 128, 256, 512},
                           kSides[] = {2, 4, 8, 16, 32, 64};
  int batch, channels, side;
};
/// The class of a shape that Winograd's algorithms can do.
ShapeClass shape_class(const WindowGeometry& g);
/// What the table says.
Algorithm table_entry(Pass pass, const ShapeClass& c);

/// "forward", "inference", "grad_input" or "grad_weight".
std::string_view pass_name(Pass pass);
/// "direct", "winograd2" or "winograd4".
std::string_view algorithm_name(Algorithm algorithm);
/// Whether the algorithm can do it.
bool is_able(Algorithm algorithm, const WindowGeometry& g);
/// The algorithm for a shape, from the table. The environment variable TUCO_CONV2D names another
/// one, which is taken where it is able; DeviceError if it names none.
Algorithm choose_algorithm(Pass pass, const WindowGeometry& g);
/// Takes an algorithm wherever it is able, for tests and benchmarks; none: asks the table again. No
/// kernel may be running.
void force_algorithm(std::optional<Algorithm> algorithm);

}  // namespace tuco::cpu
