// The CUDA backend's kernel for each op: one overload of `run` an op, found by the dispatcher in
// cuda_backend.cpp, which does not compile while one is missing. Inputs and outputs have been
// checked by infer, and lie on the call's device, which is the current one; inputs are dense except
// for the ops that takes_strides names. Everything is put into the call's stream, and nothing
// waits.
#pragma once
#include <cuda_runtime_api.h>

#include <span>

#include "tuco/core/backend.h"

namespace tuco::cuda {

class DeviceContext;
using Out = std::span<Tensor>;

/// Where and with what an op runs.
struct Call {
  DeviceContext& device;
  cudaStream_t stream;
  Workspace& workspace;

  /// Scratch memory for `count` elements, valid for what is put into the stream during the call.
  template <class T>
  T* scratch(int64_t count, Device on) {
    return static_cast<T*>(workspace.scratch(static_cast<size_t>(count) * sizeof(T), on));
  }
};

/// The reason why an op has no kernel; null for the ops that have one.
template <class Op>
inline constexpr const char* not_on_device = nullptr;
inline constexpr const char* kMovesNoBytes = "a view moves no bytes";
template <>
inline constexpr const char* not_on_device<op::Slice> = kMovesNoBytes;
template <>
inline constexpr const char* not_on_device<op::Permute> = kMovesNoBytes;
template <>
inline constexpr const char* not_on_device<op::Reshape> = kMovesNoBytes;
template <>
inline constexpr const char* not_on_device<op::Expand> = kMovesNoBytes;
template <>
inline constexpr const char* not_on_device<op::ToDevice> = "two devices take part";
template <>
inline constexpr const char* not_on_device<op::Custom> = "a user's op brings its own code";

template <op::Unary Op>
void run(const Op& op, Inputs in, Out out, Call& call);
template <op::Unary Op>
void run(const op::UnaryGrad<Op>& op, Inputs in, Out out, Call& call);
template <op::Binary Op>
void run(const Op& op, Inputs in, Out out, Call& call);
template <op::Compare Op>
void run(const Op& op, Inputs in, Out out, Call& call);

#define TUCO_RUN(Op) void run(const op::Op& op, Inputs in, Out out, Call& call)
// moves.cpp
TUCO_RUN(Where);
TUCO_RUN(Cast);
TUCO_RUN(Copy);
TUCO_RUN(Concat);
TUCO_RUN(Pad);
TUCO_RUN(Gather);
TUCO_RUN(GatherGrad);
// reduce.cpp
TUCO_RUN(Sum);
TUCO_RUN(Mean);
TUCO_RUN(Max);
TUCO_RUN(ArgMax);
// matmul.cpp
TUCO_RUN(MatMul);
TUCO_RUN(Linear);
TUCO_RUN(FusedLinear);
// conv2d.cpp
TUCO_RUN(Conv2d);
TUCO_RUN(FusedConv2d);
TUCO_RUN(Conv2dGradInput);
TUCO_RUN(Conv2dGradWeight);
// pool2d.cpp
TUCO_RUN(MaxPool2d);
TUCO_RUN(MaxPool2dGrad);
TUCO_RUN(AvgPool2d);
TUCO_RUN(AvgPool2dGrad);
// resize.cpp
TUCO_RUN(ResizeNearest);
TUCO_RUN(ResizeNearestGrad);
// batch_norm.cpp
TUCO_RUN(BatchNorm);
TUCO_RUN(BatchNormTrain);
TUCO_RUN(BatchNormTrainGrad);
TUCO_RUN(BatchNormRelu);
TUCO_RUN(BatchNormReluPool);
TUCO_RUN(BatchNormReluPoolGrad);
// lstm.cpp
TUCO_RUN(Lstm);
TUCO_RUN(LstmTrain);
TUCO_RUN(LstmGrad);
// softmax.cpp
TUCO_RUN(Softmax);
TUCO_RUN(LogSoftmax);
TUCO_RUN(SoftmaxGrad);
TUCO_RUN(LogSoftmaxGrad);
// fill.cpp
TUCO_RUN(Dropout);
TUCO_RUN(Random);
TUCO_RUN(Fill);
TUCO_RUN(Accumulate);
TUCO_RUN(SgdStep);
TUCO_RUN(AdamWStep);
// quantized.cpp
TUCO_RUN(QConv2d);
TUCO_RUN(QConv2dAdd);
TUCO_RUN(QLinear);
TUCO_RUN(QAdd);
TUCO_RUN(QSub);
TUCO_RUN(QMul);
TUCO_RUN(QPRelu);
TUCO_RUN(QMean);
TUCO_RUN(QMaxPool2d);
TUCO_RUN(QAvgPool2d);
TUCO_RUN(QLookup);
TUCO_RUN(QSoftmax);
TUCO_RUN(QLstm);
TUCO_RUN(QuantizeLinear);
TUCO_RUN(DequantizeLinear);
#undef TUCO_RUN

/// Whether the op's kernel takes any strides; the inputs of others are made dense before, and their
/// outputs must be.
template <class Op>
inline constexpr bool takes_strides =
    op::Binary<Op> || op::Compare<Op> || op::Unary<Op> || std::is_same_v<Op, op::Copy> ||
    std::is_same_v<Op, op::Cast> || std::is_same_v<Op, op::Where> ||
    std::is_same_v<Op, op::Concat> || std::is_same_v<Op, op::Pad> ||
    std::is_same_v<Op, op::Accumulate> || std::is_same_v<Op, op::Fill>;

/// Typed pointer of a tensor whose type the caller has dispatched on.
template <class T>
T* ptr(const Tensor& tensor) {
  return static_cast<T*>(tensor.raw());
}

}  // namespace tuco::cuda
