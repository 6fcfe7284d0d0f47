// The CPU's kernel for each op: one overload of `run` an op, found by the dispatcher in
// cpu_backend.cpp, which does not compile while one is missing. Inputs and outputs have been
// checked by infer; inputs are dense except for the ops that takes_strides names.
#pragma once
#include <span>

#include "tuco/core/backend.h"
#include "tuco/devices/dispatch_size.h"

namespace tuco::cpu {

using Out = std::span<Tensor>;

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
void run(const Op& op, Inputs in, Out out, Workspace& workspace);
template <op::Unary Op>
void run(const op::UnaryGrad<Op>& op, Inputs in, Out out, Workspace& workspace);
template <op::Binary Op>
void run(const Op& op, Inputs in, Out out, Workspace& workspace);
template <op::Compare Op>
void run(const Op& op, Inputs in, Out out, Workspace& workspace);

void run(const op::Where& op, Inputs in, Out out, Workspace& workspace);
void run(const op::Cast& op, Inputs in, Out out, Workspace& workspace);
void run(const op::Copy& op, Inputs in, Out out, Workspace& workspace);
void run(const op::Concat& op, Inputs in, Out out, Workspace& workspace);
void run(const op::Pad& op, Inputs in, Out out, Workspace& workspace);
void run(const op::Gather& op, Inputs in, Out out, Workspace& workspace);
void run(const op::GatherGrad& op, Inputs in, Out out, Workspace& workspace);
void run(const op::Sum& op, Inputs in, Out out, Workspace& workspace);
void run(const op::Mean& op, Inputs in, Out out, Workspace& workspace);
void run(const op::Max& op, Inputs in, Out out, Workspace& workspace);
void run(const op::ArgMax& op, Inputs in, Out out, Workspace& workspace);
void run(const op::MatMul& op, Inputs in, Out out, Workspace& workspace);
void run(const op::Linear& op, Inputs in, Out out, Workspace& workspace);
void run(const op::FusedLinear& op, Inputs in, Out out, Workspace& workspace);
void run(const op::Conv2d& op, Inputs in, Out out, Workspace& workspace);
void run(const op::FusedConv2d& op, Inputs in, Out out, Workspace& workspace);
void run(const op::Conv2dGradInput& op, Inputs in, Out out, Workspace& workspace);
void run(const op::Conv2dGradWeight& op, Inputs in, Out out, Workspace& workspace);
void run(const op::MaxPool2d& op, Inputs in, Out out, Workspace& workspace);
void run(const op::MaxPool2dGrad& op, Inputs in, Out out, Workspace& workspace);
void run(const op::AvgPool2d& op, Inputs in, Out out, Workspace& workspace);
void run(const op::AvgPool2dGrad& op, Inputs in, Out out, Workspace& workspace);
void run(const op::ResizeNearest& op, Inputs in, Out out, Workspace& workspace);
void run(const op::ResizeNearestGrad& op, Inputs in, Out out, Workspace& workspace);
void run(const op::BatchNorm& op, Inputs in, Out out, Workspace& workspace);
void run(const op::BatchNormTrain& op, Inputs in, Out out, Workspace& workspace);
void run(const op::BatchNormTrainGrad& op, Inputs in, Out out, Workspace& workspace);
void run(const op::BatchNormRelu& op, Inputs in, Out out, Workspace& workspace);
void run(const op::BatchNormReluPool& op, Inputs in, Out out, Workspace& workspace);
void run(const op::BatchNormReluPoolGrad& op, Inputs in, Out out, Workspace& workspace);
void run(const op::Lstm& op, Inputs in, Out out, Workspace& workspace);
void run(const op::LstmTrain& op, Inputs in, Out out, Workspace& workspace);
void run(const op::LstmGrad& op, Inputs in, Out out, Workspace& workspace);
void run(const op::Softmax& op, Inputs in, Out out, Workspace& workspace);
void run(const op::LogSoftmax& op, Inputs in, Out out, Workspace& workspace);
void run(const op::SoftmaxGrad& op, Inputs in, Out out, Workspace& workspace);
void run(const op::LogSoftmaxGrad& op, Inputs in, Out out, Workspace& workspace);
void run(const op::Dropout& op, Inputs in, Out out, Workspace& workspace);
void run(const op::Random& op, Inputs in, Out out, Workspace& workspace);
void run(const op::Fill& op, Inputs in, Out out, Workspace& workspace);
void run(const op::Accumulate& op, Inputs in, Out out, Workspace& workspace);
void run(const op::SgdStep& op, Inputs in, Out out, Workspace& workspace);
void run(const op::AdamWStep& op, Inputs in, Out out, Workspace& workspace);

void run(const op::QConv2d& op, Inputs in, Out out, Workspace& workspace);
void run(const op::QConv2dAdd& op, Inputs in, Out out, Workspace& workspace);
void run(const op::QLinear& op, Inputs in, Out out, Workspace& workspace);
void run(const op::QAdd& op, Inputs in, Out out, Workspace& workspace);
void run(const op::QSub& op, Inputs in, Out out, Workspace& workspace);
void run(const op::QMul& op, Inputs in, Out out, Workspace& workspace);
void run(const op::QPRelu& op, Inputs in, Out out, Workspace& workspace);
void run(const op::QMean& op, Inputs in, Out out, Workspace& workspace);
void run(const op::QMaxPool2d& op, Inputs in, Out out, Workspace& workspace);
void run(const op::QAvgPool2d& op, Inputs in, Out out, Workspace& workspace);
void run(const op::QLookup& op, Inputs in, Out out, Workspace& workspace);
void run(const op::QSoftmax& op, Inputs in, Out out, Workspace& workspace);
void run(const op::QLstm& op, Inputs in, Out out, Workspace& workspace);
void run(const op::QuantizeLinear& op, Inputs in, Out out, Workspace& workspace);
void run(const op::DequantizeLinear& op, Inputs in, Out out, Workspace& workspace);

/// What `prepare` does for an op; most have nothing to prepare.
template <class Op>
std::unique_ptr<Prepared> prepare(const Op&, Inputs) {
  return nullptr;
}
std::unique_ptr<Prepared> prepare(const op::Linear& op, Inputs constants);
std::unique_ptr<Prepared> prepare(const op::FusedLinear& op, Inputs constants);
std::unique_ptr<Prepared> prepare(const op::Conv2d& op, Inputs constants);
std::unique_ptr<Prepared> prepare(const op::FusedConv2d& op, Inputs constants);
std::unique_ptr<Prepared> prepare(const op::Lstm& op, Inputs constants);
std::unique_ptr<Prepared> prepare(const op::QConv2d& op, Inputs constants);
std::unique_ptr<Prepared> prepare(const op::QConv2dAdd& op, Inputs constants);
std::unique_ptr<Prepared> prepare(const op::QLinear& op, Inputs constants);

/// An op that runs its kernel on the same tensors each time.
template <class Op>
class BoundKernel final : public Bound {
 public:
  BoundKernel(const Op& op, Inputs in, std::span<const Tensor> out, const Prepared* prepared)
      : op_(op), in_(in.begin(), in.end()), out_(out.begin(), out.end()), prepared_(prepared) {}
  void run() override {
    Workspace workspace(prepared_);
    cpu::run(op_, in_, out_, workspace);
  }

 private:
  Op op_;
  std::vector<Tensor> in_, out_;
  const Prepared* prepared_;
};

/// What `bind` does for an op. One whose kernel has sizes and addresses to work out first brings an
/// overload, so that this is done once.
template <class Op>
std::unique_ptr<Bound> bind(const Op& op, Inputs in, std::span<const Tensor> out,
                            const Prepared* prepared) {
  return std::make_unique<BoundKernel<Op>>(op, in, out, prepared);
}
std::unique_ptr<Bound> bind(const op::ResizeNearest& op, Inputs in, std::span<const Tensor> out,
                            const Prepared* prepared);
std::unique_ptr<Bound> bind(const op::QConv2d& op, Inputs in, std::span<const Tensor> out,
                            const Prepared* prepared);
std::unique_ptr<Bound> bind(const op::QConv2dAdd& op, Inputs in, std::span<const Tensor> out,
                            const Prepared* prepared);
std::unique_ptr<Bound> bind(const op::QLinear& op, Inputs in, std::span<const Tensor> out,
                            const Prepared* prepared);

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

/// Elements below which a loop over them is not worth a second thread.
inline constexpr int64_t kGrain = 1 << 14;

}  // namespace tuco::cpu
