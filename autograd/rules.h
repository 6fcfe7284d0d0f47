// The rules of each op, as overloads of the same few names:
//   infer     shapes and types of the outputs; throws if the inputs do not fit
//   forward   runs the op, and keeps for backward what it needs; by default runs the kernel
//   backward  the inputs' gradients from the outputs', or a reason in no_gradient
//   lower     a fused op in terms of canonical ones, whose names graphs know
// The definitions are in autograd/ops/, a file for each op or family; the dispatcher in run_op.cpp
// does not compile while a rule of a member of op::Any is missing.
#pragma once
#include <vector>

#include "tuco/autograd/tape.h"

namespace tuco {

using Metas = std::span<const TensorMeta>;
using OutputMetas = std::vector<TensorMeta>;
/// A gradient for each input; undefined stands for zero or not wanted.
using Grads = std::vector<Tensor>;
/// Which inputs want a gradient.
using Needs = std::vector<bool>;

/// The reason why an op has no gradient; null for the ops that have one.
template <class Op>
inline constexpr const char* no_gradient = nullptr;

inline constexpr const char* kQuantized = "quantized networks are not trained";

/// Runs the op's kernel, off the tape, into those of `outputs` that are defined; the others are
/// allocated as infer says.
Outputs compute(const op::Any& op, Inputs inputs, Outputs outputs = {});

/// Forward of the ops that keep nothing for backward.
template <class Op>
Outputs forward(const Op& op, Inputs inputs, Saved*) {
  return compute(op, inputs);
}

// Point-wise (ops/pointwise.cpp).
template <op::Unary Op>
OutputMetas infer(const Op& op, Metas inputs);
template <op::Unary Op>
Outputs forward(const Op& op, Inputs inputs, Saved* saved);
template <op::Unary Op>
Grads backward(const Op& op, Saved&& saved, Grads gradients, const Needs& needs);
template <op::Unary Op>
OutputMetas infer(const op::UnaryGrad<Op>& op, Metas inputs);
template <op::Unary Op>
inline constexpr const char* no_gradient<op::UnaryGrad<Op>> = "second derivatives are not recorded";
template <op::Binary Op>
OutputMetas infer(const Op& op, Metas inputs);
Outputs forward(const op::Add&, Inputs inputs, Saved* saved);
Outputs forward(const op::Sub&, Inputs inputs, Saved* saved);
Outputs forward(const op::Mul&, Inputs inputs, Saved* saved);
Outputs forward(const op::Div&, Inputs inputs, Saved* saved);
Outputs forward(const op::Maximum&, Inputs inputs, Saved* saved);
Outputs forward(const op::Minimum&, Inputs inputs, Saved* saved);
Outputs forward(const op::PRelu&, Inputs inputs, Saved* saved);
Outputs forward(const op::AddRelu&, Inputs inputs, Saved* saved);
Grads backward(const op::Add&, Saved&& saved, Grads gradients, const Needs& needs);
Grads backward(const op::Sub&, Saved&& saved, Grads gradients, const Needs& needs);
Grads backward(const op::Mul&, Saved&& saved, Grads gradients, const Needs& needs);
Grads backward(const op::Div&, Saved&& saved, Grads gradients, const Needs& needs);
Grads backward(const op::Maximum&, Saved&& saved, Grads gradients, const Needs& needs);
Grads backward(const op::Minimum&, Saved&& saved, Grads gradients, const Needs& needs);
Grads backward(const op::PRelu&, Saved&& saved, Grads gradients, const Needs& needs);
Grads backward(const op::AddRelu&, Saved&& saved, Grads gradients, const Needs& needs);
Outputs lower(const op::AddRelu&, Inputs inputs);
template <op::Compare Op>
OutputMetas infer(const Op& op, Metas inputs);
template <op::Compare Op>
inline constexpr const char* no_gradient<Op> = "the result is bool";

// Every other op declares its rules by one of these three lines.
#define TUCO_INFER(Op) OutputMetas infer(const op::Op& op, Metas inputs)
#define TUCO_RULES(Op) \
  TUCO_INFER(Op);      \
  Grads backward(const op::Op& op, Saved&& saved, Grads gradients, const Needs& needs)
#define TUCO_RULES_WITH_FORWARD(Op) \
  TUCO_RULES(Op);                   \
  Outputs forward(const op::Op& op, Inputs inputs, Saved* saved)
#define TUCO_NO_GRADIENT(Op, reason) \
  TUCO_INFER(Op);                    \
  template <>                        \
  inline constexpr const char* no_gradient<op::Op> = reason

// Moves (ops/moves.cpp) and views (ops/views.cpp).
TUCO_RULES_WITH_FORWARD(Where);
TUCO_RULES_WITH_FORWARD(Cast);
TUCO_RULES(Copy);
TUCO_RULES_WITH_FORWARD(ToDevice);
TUCO_RULES_WITH_FORWARD(Concat);
TUCO_RULES_WITH_FORWARD(Pad);
TUCO_RULES_WITH_FORWARD(Gather);
TUCO_NO_GRADIENT(GatherGrad, "second derivatives are not recorded");
TUCO_RULES_WITH_FORWARD(Slice);
TUCO_RULES_WITH_FORWARD(Permute);
TUCO_RULES_WITH_FORWARD(Reshape);
TUCO_RULES_WITH_FORWARD(Expand);

// Reductions (ops/reduce.cpp).
TUCO_RULES_WITH_FORWARD(Sum);
TUCO_RULES_WITH_FORWARD(Mean);
TUCO_RULES_WITH_FORWARD(Max);
TUCO_NO_GRADIENT(ArgMax, "the result is an index");

// Products (ops/matmul.cpp, ops/conv2d.cpp).
TUCO_RULES_WITH_FORWARD(MatMul);
TUCO_RULES_WITH_FORWARD(Linear);
TUCO_RULES_WITH_FORWARD(FusedLinear);
TUCO_RULES_WITH_FORWARD(Conv2d);
TUCO_RULES_WITH_FORWARD(FusedConv2d);
TUCO_NO_GRADIENT(Conv2dGradInput, "second derivatives are not recorded");
TUCO_NO_GRADIENT(Conv2dGradWeight, "second derivatives are not recorded");
/// The fused ops as the product or convolution, Add, and Relu or Clamp.
Outputs lower(const op::FusedLinear& op, Inputs inputs);
Outputs lower(const op::FusedConv2d& op, Inputs inputs);

// Pooling (ops/pool2d.cpp).
TUCO_RULES_WITH_FORWARD(MaxPool2d);
TUCO_NO_GRADIENT(MaxPool2dGrad, "second derivatives are not recorded");
TUCO_RULES_WITH_FORWARD(AvgPool2d);
TUCO_NO_GRADIENT(AvgPool2dGrad, "second derivatives are not recorded");

// Resizing (ops/resize.cpp).
TUCO_RULES_WITH_FORWARD(ResizeNearest);
TUCO_NO_GRADIENT(ResizeNearestGrad, "second derivatives are not recorded");

// Normalisation (ops/batch_norm.cpp).
TUCO_RULES_WITH_FORWARD(BatchNorm);
TUCO_RULES_WITH_FORWARD(BatchNormTrain);
TUCO_NO_GRADIENT(BatchNormTrainGrad, "second derivatives are not recorded");
TUCO_RULES_WITH_FORWARD(BatchNormRelu);
TUCO_RULES_WITH_FORWARD(BatchNormReluPool);
TUCO_NO_GRADIENT(BatchNormReluPoolGrad, "second derivatives are not recorded");
/// The fused ops as BatchNormTrain, Add, Relu and MaxPool2d; the winners' output is undefined.
Outputs lower(const op::BatchNormRelu& op, Inputs inputs);
Outputs lower(const op::BatchNormReluPool& op, Inputs inputs);

// Recurrent (ops/lstm.cpp).
TUCO_RULES_WITH_FORWARD(Lstm);
TUCO_NO_GRADIENT(LstmTrain, "it is how an lstm with a gradient runs");
TUCO_NO_GRADIENT(LstmGrad, "second derivatives are not recorded");

// Softmax (ops/softmax.cpp), random numbers (ops/random.cpp).
TUCO_RULES_WITH_FORWARD(Softmax);
TUCO_RULES_WITH_FORWARD(LogSoftmax);
TUCO_NO_GRADIENT(SoftmaxGrad, "second derivatives are not recorded");
TUCO_NO_GRADIENT(LogSoftmaxGrad, "second derivatives are not recorded");
TUCO_RULES(Dropout);
TUCO_NO_GRADIENT(Random, "nothing comes in");

// In-place ops run on the backend directly (ops/fill.cpp).
TUCO_NO_GRADIENT(Fill, "changes a tensor in place");
TUCO_NO_GRADIENT(Accumulate, "changes a tensor in place");
TUCO_NO_GRADIENT(SgdStep, "changes a tensor in place");
TUCO_NO_GRADIENT(AdamWStep, "changes a tensor in place");

// int8 (ops/quantized.cpp).
TUCO_NO_GRADIENT(QConv2d, kQuantized);
TUCO_NO_GRADIENT(QConv2dAdd, kQuantized);
TUCO_NO_GRADIENT(QLinear, kQuantized);
TUCO_NO_GRADIENT(QAdd, kQuantized);
TUCO_NO_GRADIENT(QSub, kQuantized);
TUCO_NO_GRADIENT(QMul, kQuantized);
TUCO_NO_GRADIENT(QPRelu, kQuantized);
TUCO_NO_GRADIENT(QMean, kQuantized);
TUCO_NO_GRADIENT(QMaxPool2d, kQuantized);
TUCO_NO_GRADIENT(QAvgPool2d, kQuantized);
TUCO_NO_GRADIENT(QLookup, kQuantized);
TUCO_NO_GRADIENT(QSoftmax, kQuantized);
TUCO_NO_GRADIENT(QLstm, kQuantized);
TUCO_NO_GRADIENT(QuantizeLinear, kQuantized);
TUCO_NO_GRADIENT(DequantizeLinear, kQuantized);

// Users' ops (ops/custom.cpp).
TUCO_RULES_WITH_FORWARD(Custom);

#undef TUCO_INFER
#undef TUCO_RULES
#undef TUCO_RULES_WITH_FORWARD
#undef TUCO_NO_GRADIENT

/// Whether output `index` of the op can have a gradient: indices, masks and statistics have none.
bool is_differentiable(const op::Any& op, int index);

/// Throws ShapeError naming `op` unless there are between `least` and `most` inputs.
void require_inputs(std::string_view op, size_t count, size_t least, size_t most);
/// Throws DTypeError or DeviceError naming `op` unless all inputs that are there agree with the
/// first.
void require_alike(std::string_view op, Metas inputs);
/// Throws DTypeError naming `op` unless the type is floating-point.
void require_floating(std::string_view op, DType dtype);
/// x within [low, high], as Relu or Clamp says it where it can be outside.
Tensor lower_clamp(const Tensor& x, double low, double high);
/// The gradient of x from that of y = clamp(x, low, high), which passes strictly between.
Tensor clamp_gradient(const Tensor& gradient, const Tensor& y, double low, double high);
/// The gradient summed over the dimensions along which `shape` was broadcast to it.
Tensor sum_to(const Tensor& gradient, const Shape& shape);

}  // namespace tuco
