// Pooling and reductions.
#include <limits>

#include "tuco/core/error.h"
#include "tuco/core/ops/pool2d.h"
#include "tuco/deploy/tflite/exporter.h"

namespace tuco::tflite {
namespace {

using schema::BuiltinOperator;

void write_pool(BuiltinOperator code, NodeExport& node, const WindowGeometry& g,
                schema::Padding kind, int input) {
  const auto size = [](int64_t value) { return static_cast<int32_t>(value); };
  node.add(code, {input},
           node.builder().add_options(schema::CreatePool2DOptions, kind, size(g.stride.w),
                                      size(g.stride.h), size(g.kernel.w), size(g.kernel.h),
                                      node.fused()));
}

void write_reduction(BuiltinOperator code, const op::ReduceDims& op, NodeExport& node) {
  node.add(code, {node.in(0), node.integers(op.dims)},
           node.builder().add_options(schema::CreateReducerOptions, op.keep));
}

}  // namespace

void write(const op::MaxPool2d& op, NodeExport& node) {
  require<UnsupportedOp>(node.node().outputs.size() == 1 || !node.is_read(1),
                         "its winners are read");
  const WindowGeometry g = geometry(op.name, op.window, node.shape(0));
  const auto [kind, padding] = window_padding(g);
  // Padding never wins.
  const auto& quantization = node.value(0).quantization;
  const double least = quantization
                           ? double{quantization->scale[0]} * (-128 - quantization->zero_point[0])
                           : std::numeric_limits<float>::lowest();
  write_pool(BuiltinOperator::MAX_POOL_2D, node, g, kind, node.padded_input(padding, least));
}

void write(const op::AvgPool2d& op, NodeExport& node) {
  WindowGeometry g = geometry(op.name, op.window, node.shape(0));
  const auto [kind, padding] = window_padding(g);
  if (!op.window.count_include_pad || op.window.padding == Padding(0)) {
    // Cells of the image alone count, as the format's own padding has it.
    require<UnsupportedOp>(padding == Padding(0),
                           "averages over padding that is neither SAME nor counts");
    write_pool(BuiltinOperator::AVERAGE_POOL_2D, node, g, kind, node.in(0));
    return;
  }
  // Padding that counts is part of the image.
  const auto hangs_over = [](int64_t size, int64_t pad, int64_t results, int64_t kernel,
                             int64_t stride) {
    return (results - 1) * stride + kernel > size + pad;
  };
  require<UnsupportedOp>(
      !hangs_over(g.in_h, g.padding.top + g.padding.bottom, g.out_h, g.kernel.h, g.stride.h) &&
          !hangs_over(g.in_w, g.padding.left + g.padding.right, g.out_w, g.kernel.w, g.stride.w),
      "averages over padding that counts, with windows that hang over it");
  write_pool(BuiltinOperator::AVERAGE_POOL_2D, node, g, schema::Padding::VALID,
             node.padded_input(op.window.padding, 0));
}

void write(const op::Mean& op, NodeExport& node) {
  write_reduction(BuiltinOperator::MEAN, op, node);
}
void write(const op::Sum& op, NodeExport& node) { write_reduction(BuiltinOperator::SUM, op, node); }
void write(const op::Max& op, NodeExport& node) {
  write_reduction(BuiltinOperator::REDUCE_MAX, op, node);
}

}  // namespace tuco::tflite
