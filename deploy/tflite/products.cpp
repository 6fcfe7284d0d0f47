// Operators with weights.
#include "tuco/autograd/functions.h"
#include "tuco/deploy/tflite/operators.h"
#include "tuco/deploy/tflite/same_padding.h"

namespace tuco::tflite {
namespace {

/// Stride, dilation and padding, which the two convolutions name alike.
template <class Options>
op::Conv2d window_of(const Options& options, const Shape& images, Hw kernel) {
  op::Conv2d conv{.stride = {options.stride_h(), options.stride_w()},
                  .dilation = {options.dilation_h_factor(), options.dilation_w_factor()}};
  conv.padding = padding_of(options.padding(), images, kernel, conv.stride, conv.dilation);
  return conv;
}

void check_images(const Shape& images, const Tensor& weight) {
  require<FormatError>(images.rank() == 4 && weight.rank() == 4,
                       "input {} and weight {}, expected four dimensions", images, weight.shape());
}

}  // namespace

void import_conv_2d(OperatorImport& op) {
  const auto& options = op.options<schema::Conv2DOptions>();
  const int input = op.activation(0);
  const Tensor weight = op.constant(1);
  const Shape images = op.shape(input);
  check_images(images, weight);
  op::Conv2d conv = window_of(options, images, {weight.dim(1), weight.dim(2)});
  require<FormatError>(images[3] % weight.dim(3) == 0, "input has {} channels, weight {} wants {}",
                       images[3], weight.shape(), weight.dim(3));
  conv.groups = images[3] / weight.dim(3);
  std::vector<int> inputs = {input, op.add_constant(1, weight, op.weight_scales(1, 0))};
  op.add_bias(2, inputs);
  op.give(conv, inputs, clamp_of(options.fused_activation_function()));
}

void import_depthwise_conv_2d(OperatorImport& op) {
  const auto& options = op.options<schema::DepthwiseConv2DOptions>();
  const int input = op.activation(0);
  // (1, kh, kw, out), where the outputs of one input channel are neighbours.
  const Tensor weight = op.constant(1);
  const Shape images = op.shape(input);
  check_images(images, weight);
  require<FormatError>(weight.dim(0) == 1 && weight.dim(3) % images[3] == 0,
                       "input has {} channels, weight is {}", images[3], weight.shape());
  op::Conv2d conv = window_of(options, images, {weight.dim(1), weight.dim(2)});
  conv.groups = images[3];
  std::vector<int> inputs = {
      input, op.add_constant(1, contiguous(permute(weight, {3, 1, 2, 0})), op.weight_scales(1, 3))};
  op.add_bias(2, inputs);
  op.give(conv, inputs, clamp_of(options.fused_activation_function()));
}

void import_fully_connected(OperatorImport& op) {
  const auto& options = op.options<schema::FullyConnectedOptions>();
  require<UnsupportedOp>(
      options.weights_format() == schema::FullyConnectedOptionsWeightsFormat::DEFAULT,
      "weights in an order of their own");
  int input = op.activation(0);
  const Tensor weight = op.constant(1);
  require<FormatError>(weight.rank() == 2, "weight {}, expected two dimensions", weight.shape());
  const Shape shape = op.shape(input);
  const bool keeps = options.keep_num_dims() && shape.back() == weight.dim(1);
  if (!keeps && !(shape.rank() == 2 && shape.back() == weight.dim(1)))
    input = op.between(op::Reshape{{-1, weight.dim(1)}}, {input});
  std::vector<int> inputs = {input, op.add_constant(1, weight, op.weight_scales(1, 0))};
  op.add_bias(2, inputs);
  op.give(op::Linear{}, inputs, clamp_of(options.fused_activation_function()));
}

void import_batch_matmul(OperatorImport& op) {
  const auto& options = op.options<schema::BatchMatMulOptions>();
  op.give(op::MatMul{options.adj_x(), options.adj_y()}, {op.operand(0), op.operand(1)});
}

}  // namespace tuco::tflite
