// The CPU's kernel for each op: one overload of `run` an op, found by the dispatcher in
// cpu_backend.cpp, which does not compile while one is missing. Inputs and outputs have been
// checked by infer; inputs are dense except for the ops that takes_strides names.
#pragma once
#include <span>

#include "tuco/core/backend.h"
#include "tuco/devices/dispatch_size.h"
#include "tuco/devices/operands.h"

namespace tuco::cpu {

using Out = std::span<Tensor>;

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

/// Elements below which a loop over them is not worth a second thread.
inline constexpr int64_t kGrain = 1 << 14;

}  // namespace tuco::cpu
