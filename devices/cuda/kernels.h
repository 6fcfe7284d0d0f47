// The CUDA backend's kernel for each op: one overload of `run` an op, found by the dispatcher in
// cuda_backend.cpp, which does not compile while one is missing. Inputs and outputs have been
// checked by infer, and lie on the call's device, which is the current one; inputs are dense except
// for the ops that takes_strides names. Everything is put into the call's stream, and nothing
// waits.
#pragma once
#include <cuda_runtime_api.h>

#include <span>

#include "tuco/devices/operands.h"

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

}  // namespace tuco::cuda
