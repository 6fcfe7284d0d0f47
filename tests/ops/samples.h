// Sample inputs for every op of op::Any, which op_list_test.cpp puts to its checks: an overload of
// `samples` for each op, or a reason in `no_samples` why it has none. A forgotten op is a compile
// error at the end of this file.
#pragma once
#include <string>
#include <vector>

#include "tuco/core/backend.h"

namespace tuco::test {

/// An op with inputs that it takes. Floating-point inputs are float64 on the CPU; the checks make
/// other types of them. No value lies within `step` of a kink of the op, and none is there twice
/// where the op looks for the largest.
struct Sample {
  op::Any op;
  std::vector<Tensor> inputs;
  /// The inputs whose first dimension is the batch, which may be empty; none where the op does not
  /// take an empty one, or its attributes fix the size.
  std::vector<int> batched = {};
  /// Step of the central difference.
  double step = 1e-5;
  /// How far float32 may be from float64, relative to the root mean square.
  double float32_tolerance = 2e-5;
};
using Samples = std::vector<Sample>;

template <class Op>
struct Tag {};

/// Why an op has no samples; null for those that have.
template <class Op>
inline constexpr const char* no_samples = nullptr;

/// Float64 numbers that are spread evenly over (low, high) in a random order: no two are equal, none
/// is a whole number of quarters of the range.
Tensor spread(const Shape& shape, uint64_t seed, double low = -2, double high = 2);
/// Bool numbers of both kinds.
Tensor coins(const Shape& shape, uint64_t seed);
/// What the op makes of float64 inputs.
Outputs results(const op::Any& op, const std::vector<Tensor>& inputs);

template <op::Unary Op>
Samples samples(Tag<Op>);
template <op::Unary Op>
Samples samples(Tag<op::UnaryGrad<Op>>);
template <op::Binary Op>
Samples samples(Tag<Op>);
template <op::Compare Op>
Samples samples(Tag<Op>);

#define TUCO_SAMPLES(Op) Samples samples(Tag<op::Op>)
// Moves, views and random numbers (samples_moves.cpp).
TUCO_SAMPLES(Where);
TUCO_SAMPLES(Cast);
TUCO_SAMPLES(Copy);
TUCO_SAMPLES(ToDevice);
TUCO_SAMPLES(Concat);
TUCO_SAMPLES(Pad);
TUCO_SAMPLES(Gather);
TUCO_SAMPLES(GatherGrad);
TUCO_SAMPLES(Slice);
TUCO_SAMPLES(Permute);
TUCO_SAMPLES(Reshape);
TUCO_SAMPLES(Expand);
TUCO_SAMPLES(Dropout);
TUCO_SAMPLES(Custom);
// Reductions, products, pooling, normalisation, LSTM, softmax (samples_structured.cpp).
TUCO_SAMPLES(Sum);
TUCO_SAMPLES(Mean);
TUCO_SAMPLES(Max);
TUCO_SAMPLES(ArgMax);
TUCO_SAMPLES(MatMul);
TUCO_SAMPLES(Linear);
TUCO_SAMPLES(FusedLinear);
TUCO_SAMPLES(Conv2d);
TUCO_SAMPLES(FusedConv2d);
TUCO_SAMPLES(Conv2dGradInput);
TUCO_SAMPLES(Conv2dGradWeight);
TUCO_SAMPLES(MaxPool2d);
TUCO_SAMPLES(MaxPool2dGrad);
TUCO_SAMPLES(AvgPool2d);
TUCO_SAMPLES(AvgPool2dGrad);
TUCO_SAMPLES(ResizeNearest);
TUCO_SAMPLES(ResizeNearestGrad);
TUCO_SAMPLES(BatchNorm);
TUCO_SAMPLES(BatchNormTrain);
TUCO_SAMPLES(BatchNormTrainGrad);
TUCO_SAMPLES(BatchNormRelu);
TUCO_SAMPLES(BatchNormReluPool);
TUCO_SAMPLES(BatchNormReluPoolGrad);
TUCO_SAMPLES(Lstm);
TUCO_SAMPLES(LstmTrain);
TUCO_SAMPLES(LstmGrad);
TUCO_SAMPLES(Softmax);
TUCO_SAMPLES(LogSoftmax);
TUCO_SAMPLES(SoftmaxGrad);
TUCO_SAMPLES(LogSoftmaxGrad);
// int8 (samples_quantized.cpp).
TUCO_SAMPLES(QConv2d);
TUCO_SAMPLES(QConv2dAdd);
TUCO_SAMPLES(QLinear);
TUCO_SAMPLES(QAdd);
TUCO_SAMPLES(QSub);
TUCO_SAMPLES(QMul);
TUCO_SAMPLES(QPRelu);
TUCO_SAMPLES(QMean);
TUCO_SAMPLES(QMaxPool2d);
TUCO_SAMPLES(QAvgPool2d);
TUCO_SAMPLES(QLookup);
TUCO_SAMPLES(QSoftmax);
TUCO_SAMPLES(QLstm);
TUCO_SAMPLES(DequantizeLinear);
#undef TUCO_SAMPLES

template <>
inline constexpr const char* no_samples<op::QuantizeLinear> =
    "takes float32 alone: quantized_kernels_test.cpp";
template <>
inline constexpr const char* no_samples<op::Random> =
    "its type is an attribute and nothing comes in: in_place_test.cpp";
template <>
inline constexpr const char* no_samples<op::Fill> = "changes a tensor in place: in_place_test.cpp";
template <>
inline constexpr const char* no_samples<op::Accumulate> =
    "changes a tensor in place: in_place_test.cpp";
template <>
inline constexpr const char* no_samples<op::SgdStep> =
    "changes a tensor in place: in_place_test.cpp";
template <>
inline constexpr const char* no_samples<op::AdamWStep> =
    "changes a tensor in place: in_place_test.cpp";

template <class Op>
concept HasSamples = requires { samples(Tag<Op>{}); };

template <class... Op>
constexpr bool none_is_forgotten(const std::variant<Op...>*) {
  return ((HasSamples<Op> != (no_samples<Op> != nullptr)) && ...);
}
static_assert(none_is_forgotten(static_cast<op::Any*>(nullptr)),
              "an op of op::Any has neither samples nor a reason in no_samples, or both");

}  // namespace tuco::test
