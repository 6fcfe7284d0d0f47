// Convolutions and linear layers on devices: which of the runtime's kernels computes a node, and
// its weights, biases and multipliers in the form which that takes.
#pragma once
#include <optional>

#include "tuco/core/ops/conv2d.h"
#include "tuco/core/ops/matmul.h"
#include "tuco/deploy/memory_plan.h"
#include "tuco/deploy/rules.h"

namespace tuco::deploy {

/// The kernels, by the names of their headers in deploy/runtime.
enum class ProductKernel {
  kPlain,      // conv2d.h, depthwise.h, fully_connected.h: everything
  kColumns,    // columns.h: convolution without groups
  kPointwise,  // columns.h: the same where the inputs of an output lie together
  kRow,        // row.h: a single output pixel
  kPlane,      // plane.h: depthwise 3x3 with stride 1
  kTaps,       // taps.h: depthwise
};

/// Biases with shifts, and multipliers, of the output channels (runtime/finish.h).
struct FinishTables {
  std::vector<int32_t> biases;
  /// One for each channel, or a single one for all.
  std::vector<int32_t> multipliers;
};

/// A node's kernel with its constants; for kPlain these stay as the graph has them.
struct Product {
  ProductKernel kernel = ProductKernel::kPlain;
  WindowGeometry geometry;
  /// int16 for pairs of channels (runtime/pairs.h), int8 for depthwise kernels.
  std::vector<int32_t> weights;
  FinishTables finish;
};

/// Chooses the kernel and packs the constants. Fast kernels round twice, and need multipliers below
/// one half, sums of products below 2^23 in every second channel, no weights of -128 beside a
/// negative one, and, for kColumns and kPointwise, at most 16384 output channels.
Product make_product(const op::Conv2d& op, const QuantizedNode& node);
Product make_product(const op::Linear& op, const QuantizedNode& node);

/// Depthwise weights (channels, kh, kw) as (kh, kw, channels), so that neighbouring channels lie
/// together.
std::vector<int32_t> taps_first(const int8_t* weights, const WindowGeometry& geometry);

/// Four rows of int8 (4, depth), depth a multiple of 4, as two pairs of channels, each for four
/// inputs in turn (runtime/row.h), as int16; nothing where a pair does not fit.
std::optional<std::vector<int32_t>> pack_four_rows(std::vector<int8_t> rows, int64_t depth);

/// The tables as most kernels take them: bias and multiplier of each channel in turn.
std::vector<int32_t> interleaved(const FinishTables& tables);

/// What the kernel needs of memory.
NodeMemory product_memory(const op::Conv2d& op, const QuantizedNode& node);
NodeMemory product_memory(const op::Linear& op, const QuantizedNode& node);

/// Adds the call of the kernel. For a plain one nothing is added, and false is returned.
bool emit_product(const Product& product, const QuantizedNode& node, Program& program);

}  // namespace tuco::deploy
