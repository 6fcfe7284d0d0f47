// Operators with weights.
#include "tuco/autograd/functions.h"
#include "tuco/core/error.h"
#include "tuco/core/ops/conv2d.h"
#include "tuco/deploy/passes.h"
#include "tuco/deploy/tflite/exporter.h"

namespace tuco::tflite {
namespace {

using schema::BuiltinOperator;

/// The bias of a node whose weight has these scales; zeros where there is none, since the oldest
/// runtimes ask for one.
int bias_of(NodeExport& node, std::optional<Quantization> quantization) {
  const Graph::Value& weight = node.value(1);
  if (quantization) {
    quantization->axis = std::min(quantization->axis, 0);
    for (float& scale : quantization->scale) scale *= node.value(0).quantization->scale[0];
  }
  if (node.inputs() > 2)
    return node.builder().add_constant(node.value(2).name, node.value(2).constant, quantization);
  return node.builder().add_constant(
      weight.name + ".bias",
      zeros({weight.meta.shape[0]}, {node.int8() ? DType::int32 : DType::float32}), quantization);
}

void check_constants(const NodeExport& node) {
  for (int i = 1; i < node.inputs(); ++i)
    require<UnsupportedOp>(node.value(i).constant.defined(),
                           "its weight or bias \"{}\" is computed", node.value(i).name);
}

}  // namespace

void write(const op::Conv2d& op, NodeExport& node) {
  const Graph::Value& weight = node.value(1);
  check_constants(node);
  const WindowGeometry g = geometry(op, node.shape(0), weight.meta.shape);
  const auto [kind, padding] = window_padding(g);
  const int input = node.padded_input(padding, 0), bias = bias_of(node, weight.quantization);
  const auto size = [](int64_t value) { return static_cast<int32_t>(value); };
  Builder& builder = node.builder();
  if (is_depthwise(g)) {
    auto quantization = weight.quantization;
    if (quantization) quantization->axis = 3;
    const int weights = builder.add_constant(
        weight.name, contiguous(permute(weight.constant, {3, 1, 2, 0})), quantization);
    const bool dilated = !(g.dilation == Hw(1));
    node.add_version(BuiltinOperator::DEPTHWISE_CONV_2D,
                     node.int8() ? 3
                     : dilated   ? 2
                                 : 1,
                     {input, weights, bias},
                     builder.add_options(schema::CreateDepthwiseConv2DOptions, kind,
                                         size(g.stride.w), size(g.stride.h), size(g.out_c / g.in_c),
                                         node.fused(), size(g.dilation.w), size(g.dilation.h)));
    return;
  }
  node.add_version(
      BuiltinOperator::CONV_2D,
      g.groups > 1  ? 6
      : node.int8() ? 3
                    : 1,
      {input, node.in(1), bias},
      builder.add_options(schema::CreateConv2DOptions, kind, size(g.stride.w), size(g.stride.h),
                          node.fused(), size(g.dilation.w), size(g.dilation.h)));
}

void write(const op::Linear&, NodeExport& node) {
  const Graph::Value& weight = node.value(1);
  check_constants(node);
  // One scale for all channels is another arithmetic there than as many that are equal.
  auto quantization = weight.quantization;
  const bool single = quantization && std::ranges::all_of(quantization->scale, [&](float scale) {
                        return scale == quantization->scale[0];
                      });
  if (single) quantization = Quantization{{quantization->scale[0]}, {0}, -1};
  const int weights = node.builder().add_constant(weight.name, weight.constant, quantization);
  const bool keeps = node.shape(0).rank() != 2;
  const int version = node.int8() && !single ? 12 : keeps ? 5 : node.int8() ? 4 : 1;
  node.add_version(BuiltinOperator::FULLY_CONNECTED, version,
                   {node.in(0), weights, bias_of(node, quantization)},
                   node.builder().add_options(schema::CreateFullyConnectedOptions, node.fused(),
                                              schema::FullyConnectedOptionsWeightsFormat::DEFAULT,
                                              keeps, false));
}

void write(const op::MatMul& op, NodeExport& node) {
  node.add(BuiltinOperator::BATCH_MATMUL, {node.in(0), node.in(1)},
           node.builder().add_options(schema::CreateBatchMatMulOptions, op.transpose_a,
                                      op.transpose_b, false));
}

void write(const op::BatchNorm& op, NodeExport& node) {
  const Graph& graph = node.graph();
  require<UnsupportedOp>(deploy::all_constant(graph, std::span(node.node().inputs).subspan(1)),
                         "its statistics are computed");
  const auto [scale, shift] = deploy::norm_factors(graph, node.node(), op);
  Builder& builder = node.builder();
  const std::string& name = node.result().name;
  const int by = builder.add_constant(name + ".scale", scale.to(DType::float32)),
            plus = builder.add_constant(name + ".shift", shift.to(DType::float32));
  const int scaled = node.between(node.result_shape(), {});
  node.add(BuiltinOperator::MUL, {node.in(0), by},
           builder.add_options(schema::CreateMulOptions, schema::ActivationFunctionType::NONE),
           scaled);
  node.add(BuiltinOperator::ADD, {scaled, plus},
           builder.add_options(schema::CreateAddOptions, node.fused(), true));
}

}  // namespace tuco::tflite
