#include "tuco/core/ops/conv2d.h"

#include "tuco/core/layout.h"
#include "tuco/devices/cpu/conv2d_kernels.h"
#include "tuco/devices/cpu/fused_epilogue.h"

namespace tuco::cpu {
namespace {

/// A constant weight, and what was made of it so far.
struct PreparedConv2d final : Prepared {
  explicit PreparedConv2d(Tensor constant) : weight(std::move(constant)) {}
  Tensor weight;
  PackedForms forms;
};

template <class Op>
void run_forward(const Op& op, const op::Conv2d& conv, Inputs in, Out out,
                 const Workspace& workspace) {
  const WindowGeometry g = geometry(conv, in[0].shape(), in[1].shape());
  if (const auto* prepared = dynamic_cast<const PreparedConv2d*>(workspace.prepared()))
    return conv2d_forward<float>(g, ptr<float>(in[0]), ptr<float>(prepared->weight),
                                 epilogue_of<float>(op, in), ptr<float>(out[0]), &prepared->forms);
  dispatch_floating(op.name, out[0].dtype(), [&]<class T>() {
    conv2d_forward<T>(g, ptr<T>(in[0]), ptr<T>(in[1]), epilogue_of<T>(op, in), ptr<T>(out[0]));
  });
}

std::unique_ptr<Prepared> prepare_conv2d(Inputs constants) {
  if (constants.size() < 2 || !constants[1].defined() || constants[1].dtype() != DType::float32)
    return nullptr;
  return std::make_unique<PreparedConv2d>(dense(constants[1]));
}

}  // namespace

void run(const op::Conv2d& op, Inputs in, Out out, Workspace& workspace) {
  run_forward(op, op, in, out, workspace);
}
void run(const op::FusedConv2d& op, Inputs in, Out out, Workspace& workspace) {
  run_forward(op, op.conv, in, out, workspace);
}
std::unique_ptr<Prepared> prepare(const op::Conv2d&, Inputs constants) {
  return prepare_conv2d(constants);
}
std::unique_ptr<Prepared> prepare(const op::FusedConv2d&, Inputs constants) {
  return prepare_conv2d(constants);
}

void run(const op::Conv2dGradInput& op, Inputs in, Out out, Workspace&) {
  const WindowGeometry g = geometry(op.conv, op.images, in[1].shape());
  dispatch_floating(op.name, out[0].dtype(), [&]<class T>() {
    conv2d_grad_input<T>(g, ptr<T>(in[0]), ptr<T>(in[1]), ptr<T>(out[0]));
  });
}

void run(const op::Conv2dGradWeight& op, Inputs in, Out out, Workspace&) {
  const WindowGeometry g = geometry(op.conv, in[0].shape(), op.weight);
  dispatch_floating(op.name, out[0].dtype(), [&]<class T>() {
    conv2d_grad_weight<T>(g, ptr<T>(in[0]), ptr<T>(in[1]), ptr<T>(out[0]));
  });
}

}  // namespace tuco::cpu
