// Operators that move elements.
#include "tuco/autograd/functions.h"
#include "tuco/core/error.h"
#include "tuco/core/ops/resize.h"
#include "tuco/deploy/tflite/exporter.h"

namespace tuco::tflite {

using schema::BuiltinOperator;

void write(const op::Concat& op, NodeExport& node) {
  std::vector<int> parts;
  for (int i = 0; i < node.inputs(); ++i) parts.push_back(node.in(i));
  node.add(BuiltinOperator::CONCATENATION, parts,
           node.builder().add_options(schema::CreateConcatenationOptions, op.dim,
                                      schema::ActivationFunctionType::NONE));
}

void write(const op::Pad& op, NodeExport& node) {
  std::vector<int32_t> sizes;
  for (int i = 0; i < op.before.rank(); ++i)
    for (const int64_t size : {op.before[i], op.after[i]})
      sizes.push_back(static_cast<int32_t>(size));
  const int by = node.builder().add_constant(node.result().name + ".padding",
                                             from_values(sizes, {op.before.rank(), 2}));
  if (op.value == 0)
    node.add(BuiltinOperator::PAD, {node.in(0), by},
             node.builder().add_options(schema::CreatePadOptions));
  else
    node.add(BuiltinOperator::PADV2,
             {node.in(0), by, node.number(op.value, node.result().quantization)},
             node.builder().add_options(schema::CreatePadV2Options));
}

void write(const op::Reshape&, NodeExport& node) {
  Shape sizes = node.result_shape();
  if (sizes.rank() > 0) sizes[0] = -1;  // the batch stays open
  node.add_version(BuiltinOperator::RESHAPE, 1, {node.in(0), node.integers(sizes)},
                   node.builder().add_options(schema::CreateReshapeOptions, 0));
}

void write(const op::Permute& op, NodeExport& node) {
  node.add(BuiltinOperator::TRANSPOSE, {node.in(0), node.integers(op.order)},
           node.builder().add_options(schema::CreateTransposeOptions));
}

void write(const op::Slice& op, NodeExport& node) {
  const Shape& shape = node.shape(0);
  Shape begin = Shape::filled(shape.rank(), 0), end = shape, step = Shape::filled(shape.rank(), 1);
  begin[op.dim] = op.start;
  end[op.dim] = op.stop;
  step[op.dim] = op.step;
  // All of every other dimension, whatever its size.
  const int32_t others = ((1 << shape.rank()) - 1) & ~(1 << op.dim);
  node.add(BuiltinOperator::STRIDED_SLICE,
           {node.in(0), node.integers(begin), node.integers(end), node.integers(step)},
           node.builder().add_options(schema::CreateStridedSliceOptions, others, others, 0, 0, 0,
                                      false));
}

void write(const op::ResizeNearest& op, NodeExport& node) {
  const bool centred = op.align_corners || op.half_pixel_centers;
  node.add_version(BuiltinOperator::RESIZE_NEAREST_NEIGHBOR,
                   centred       ? 3
                   : node.int8() ? 2
                                 : 1,
                   {node.in(0), node.integers(Shape{op.size.h, op.size.w})},
                   node.builder().add_options(schema::CreateResizeNearestNeighborOptions,
                                              op.align_corners, op.half_pixel_centers));
}

}  // namespace tuco::tflite
