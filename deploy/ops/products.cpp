#include "tuco/deploy/ops/products.h"

#include "tuco/deploy/constant_channels.h"
#include "tuco/deploy/device_memory.h"
#include "tuco/deploy/ops/emit.h"
#include "tuco/deploy/runtime/columns.h"
#include "tuco/deploy/runtime/plane.h"

namespace tuco::deploy {
namespace {

/// The limits of the tables and sums in runtime/finish.h and runtime/pairs.h.
constexpr int64_t kMaxBias = int64_t{1} << 25;
constexpr int64_t kMaxSecondSum = int64_t{1} << 23;
constexpr int64_t kMaxSum = int64_t{1} << 29;
constexpr int64_t kLargestInput = 128;
/// Bytes between pixels whose outputs Helium scatters: four of them within 16 bits.
constexpr int64_t kMaxScattered = 16384;

/// Weights as (out, depth).
struct Rows {
  std::vector<int8_t> values;
  int64_t out, depth;
  int8_t at(int64_t c, int64_t k) const { return c < out && k < depth ? values[c * depth + k] : 0; }
  int64_t magnitude(int64_t c) const {
    int64_t sum = 0;
    for (int64_t k = 0; k < depth; ++k) sum += std::abs(int64_t{at(c, k)});
    return sum;
  }
};

/// The tables, unless a bias or multiplier is out of their range. Channels whose output is constant
/// lose their weights.
std::optional<FinishTables> finish_tables(const QuantizedNode& node, Rows& rows,
                                          bool folds_zero_point) {
  if (node.rounding != Rounding::kDouble) return std::nullopt;
  FinishTables tables;
  const auto multipliers = node.channel_multipliers();
  const int32_t* bias = node.inputs() > 2 ? node.input(2).constant.data<int32_t>() : nullptr;
  for (int64_t c = 0; c < rows.out; ++c) {
    Multiplier m = multipliers[c];
    int64_t folded = bias ? bias[c] : 0, sum = 0;
    for (int64_t k = 0; k < rows.depth; ++k) sum += rows.at(c, k);
    if (folds_zero_point) folded -= sum * node.input_zero_point(0);
    if (const auto value = constant_output(node, c, m)) {
      std::fill_n(rows.values.begin() + c * rows.depth, rows.depth, 0);
      folded = 4 * int64_t{*value - node.output_zero_point()};  // times 1/2, and halved
      m = {1 << 30, -1};
    }
    if (m.shift > -1 || m.shift < -31 || std::abs(folded) >= kMaxBias ||
        rows.magnitude(c) * 2 * kLargestInput >= kMaxSum)
      return std::nullopt;
    tables.biases.push_back(static_cast<int32_t>(folded * 64 - m.shift));
    tables.multipliers.push_back(m.value);
  }
  if (std::ranges::count(tables.multipliers, tables.multipliers[0]) ==
      static_cast<int64_t>(tables.multipliers.size()))
    tables.multipliers.resize(1);
  return tables;
}

/// Packs the weights for groups of `together` pairs of channels, in turns of four inputs; nothing
/// where a pair does not fit.
std::optional<std::vector<int32_t>> pack_pairs(const Rows& rows, int64_t together) {
  constexpr int64_t kOrder[4] = {0, 2, 1, 3};
  std::vector<int32_t> packed;
  for (int64_t c = 1; c < rows.out; c += 2)
    if (rows.magnitude(c) * kLargestInput >= kMaxSecondSum) return std::nullopt;
  for (int64_t group = 0; group < rows.out; group += 2 * together)
    for (int64_t k = 0; k < rows.depth; k += 4)
      for (int64_t c = group; c < group + 2 * together; c += 2)
        for (const int64_t i : kOrder) {
          const int32_t pair = 256 * rows.at(c + 1, k + i) + rows.at(c, k + i);
          if (pair < std::numeric_limits<int16_t>::min()) return std::nullopt;
          packed.push_back(pair);
        }
  return packed;
}

ProductKernel kernel_for(const WindowGeometry& g) {
  constexpr Padding kNone = 0;
  if (is_depthwise(g)) {
    if (g.out_c != g.in_c) return ProductKernel::kPlain;
    return g.kernel == Hw(3) && g.stride == Hw(1) && g.dilation == Hw(1) ? ProductKernel::kPlane
                                                                         : ProductKernel::kTaps;
  }
  if (g.groups > 1) return ProductKernel::kPlain;
  const bool whole = g.padding == kNone && g.dilation == Hw(1) && g.kernel == Hw(g.in_h, g.in_w);
  if (whole && g.in_h * g.in_w * g.in_c % 4 == 0) return ProductKernel::kRow;
  if (g.out_c > kMaxScattered) return ProductKernel::kPlain;
  const bool pointwise = g.padding == kNone && g.kernel == Hw(1) && g.stride == Hw(1);
  return pointwise && g.in_c % 4 == 0 ? ProductKernel::kPointwise : ProductKernel::kColumns;
}

Product make_product(const WindowGeometry& g, const QuantizedNode& node) {
  Product product{.geometry = g};
  const ProductKernel kernel = kernel_for(g);
  if (kernel == ProductKernel::kPlain) return product;
  const Tensor& weight = node.input(1).constant;
  Rows rows{weight.to_vector<int8_t>(), g.out_c, weight.numel() / g.out_c};
  const auto tables = finish_tables(node, rows, kernel != ProductKernel::kTaps);
  if (!tables) return product;
  if (kernel == ProductKernel::kPlane) {
    product.weights.assign(rows.values.begin(), rows.values.end());
  } else if (kernel == ProductKernel::kTaps) {
    product.weights = taps_first(rows.values.data(), g);
  } else {
    const auto packed = pack_pairs(rows, kernel == ProductKernel::kRow ? 2 : 1);
    if (!packed) return product;
    product.weights = *packed;
  }
  product.kernel = kernel;
  product.finish = *tables;
  return product;
}

WindowGeometry geometry_of(const op::Conv2d& op, const QuantizedNode& node) {
  WindowGeometry g = geometry(op, node.input(0).meta.shape, node.input(1).meta.shape);
  g.batch = 1;
  return g;
}

/// A linear layer as a 1x1 convolution over its rows.
WindowGeometry geometry_of(const op::Linear&, const QuantizedNode& node) {
  const Shape& weight = node.input(1).meta.shape;
  WindowGeometry g;
  g.batch = g.in_h = g.out_h = 1;
  g.in_c = weight[1];
  g.out_c = weight[0];
  g.in_w = g.out_w = elements_per_image(node.input(0)) / std::max<int64_t>(1, g.in_c);
  return g;
}

/// A pointwise convolution that makes an image larger goes from its end to its beginning.
bool descends(const WindowGeometry& g) { return g.out_c > g.in_c; }

NodeMemory memory_of(const Product& product) {
  const WindowGeometry& g = product.geometry;
  const int64_t depth = tuco_column_depth(static_cast<int32_t>(g.kernel.h * g.kernel.w * g.in_c));
  NodeMemory memory;
  switch (product.kernel) {
    case ProductKernel::kPlain:
    case ProductKernel::kRow:
      break;
    case ProductKernel::kPointwise:
      if (descends(g)) {
        memory.scratch = 4 * depth;
        memory.lead = {0};
        memory.descending = true;
        break;
      }
      [[fallthrough]];
    case ProductKernel::kColumns:
      memory.scratch = g.in_c % 4 == 0 ? 4 * depth : 5 * depth;
      memory.lead = {window_lead(g, {.pixels = 2, .reads_first = true})};
      break;
    case ProductKernel::kPlane:
      memory.scratch = 2 * (g.out_h + 2) * tuco_plane_width(static_cast<int32_t>(g.out_w));
      memory.in_place = true;
      break;
    case ProductKernel::kTaps:
      memory.lead = {window_lead(g, {})};
      break;
  }
  return memory;
}

}  // namespace

Product make_product(const op::Conv2d& op, const QuantizedNode& node) {
  return make_product(geometry_of(op, node), node);
}

Product make_product(const op::Linear& op, const QuantizedNode& node) {
  return make_product(geometry_of(op, node), node);
}

NodeMemory product_memory(const op::Conv2d& op, const QuantizedNode& node) {
  return memory_of(make_product(op, node));
}

NodeMemory product_memory(const op::Linear& op, const QuantizedNode& node) {
  return memory_of(make_product(op, node));
}

std::optional<std::vector<int32_t>> pack_four_rows(std::vector<int8_t> rows, int64_t depth) {
  return pack_pairs({std::move(rows), 4, depth}, 2);
}

std::vector<int32_t> taps_first(const int8_t* weights, const WindowGeometry& g) {
  const int64_t taps = g.kernel.h * g.kernel.w;
  std::vector<int32_t> result(g.out_c * taps);
  for (int64_t c = 0; c < g.out_c; ++c)
    for (int64_t t = 0; t < taps; ++t) result[t * g.out_c + c] = weights[c * taps + t];
  return result;
}

std::vector<int32_t> interleaved(const FinishTables& tables) {
  std::vector<int32_t> words;
  for (size_t c = 0; c < tables.biases.size(); ++c) {
    words.push_back(tables.biases[c]);
    words.push_back(tables.multipliers[tables.multipliers.size() > 1 ? c : 0]);
  }
  return words;
}

bool emit_product(const Product& product, const QuantizedNode& node, Program& program) {
  if (product.kernel == ProductKernel::kPlain) return false;
  const WindowGeometry& g = product.geometry;
  const bool depthwise =
      product.kernel == ProductKernel::kPlane || product.kernel == ProductKernel::kTaps;
  const auto [low, high] = node.bounds();
  const int32_t in_zero_point = node.input_zero_point(0), zero_point = node.output_zero_point();
  const Argument out = output_place(program, node), in = input_place(program, node);
  const Argument weights =
      program.array(depthwise ? "int8_t" : "int16_t", "weight", product.weights);
  const FinishTables& finish = product.finish;
  if (product.kernel == ProductKernel::kRow) {
    const Argument bias = program.array("int32_t", "bias", finish.biases);
    const Argument multiplier = program.array("int32_t", "multiplier", finish.multipliers);
    program.call("row.h", "fully_connected_row",
                 {out, in, weights, g.in_h * g.in_w * g.in_c, g.out_c, bias, multiplier,
                  finish.multipliers.size() > 1 ? 1 : 0, zero_point, low, high});
    return true;
  }
  const Argument channels = program.array("int32_t", "channels", interleaved(finish));
  switch (product.kernel) {
    case ProductKernel::kPlain:
    case ProductKernel::kRow:
      break;
    case ProductKernel::kColumns:
      program.call("columns.h", "conv2d_columns",
                   {out, in, program.scratch(), weights, window_structure(program, g),
                    in_zero_point, channels, zero_point, low, high});
      break;
    case ProductKernel::kPointwise:
      program.call("columns.h", "pointwise_columns",
                   {out, in, program.scratch(), weights, g.out_h * g.out_w, g.in_c, g.out_c,
                    descends(g) ? 1 : 0, channels, zero_point, low, high});
      break;
    case ProductKernel::kPlane:
      program.call("plane.h", "depthwise_plane",
                   {out, in, program.scratch(), weights, g.in_h, g.in_w, g.out_h, g.out_w, g.in_c,
                    g.padding.top, g.padding.left, in_zero_point, channels, zero_point, low, high});
      break;
    case ProductKernel::kTaps:
      program.call("taps.h", "depthwise_taps",
                   {out, in, weights, window_structure(program, g), in_zero_point, channels,
                    zero_point, low, high});
      break;
  }
  return true;
}

}  // namespace tuco::deploy
