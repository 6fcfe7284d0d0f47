#include "tuco/core/ops/softmax.h"

#include "tuco/devices/cpu/kernels.h"
#include "tuco/devices/cpu/softmax_kernels.h"

namespace tuco::cpu {
namespace {

int64_t rows_of(const Tensor& tensor) { return tensor.numel() / tensor.shape().back(); }

}  // namespace

void run(const op::Softmax& op, Inputs in, Out out, Workspace&) {
  dispatch_floating(op.name, in[0].dtype(), [&]<class T>() {
    softmax_forward<T>(rows_of(in[0]), in[0].shape().back(), ptr<T>(in[0]), ptr<T>(out[0]));
  });
}

void run(const op::LogSoftmax& op, Inputs in, Out out, Workspace&) {
  dispatch_floating(op.name, in[0].dtype(), [&]<class T>() {
    log_softmax_forward<T>(rows_of(in[0]), in[0].shape().back(), ptr<T>(in[0]), ptr<T>(out[0]));
  });
}

void run(const op::SoftmaxGrad& op, Inputs in, Out out, Workspace&) {
  dispatch_floating(op.name, in[0].dtype(), [&]<class T>() {
    softmax_backward<T>(rows_of(in[0]), in[0].shape().back(), ptr<T>(in[1]), ptr<T>(in[0]),
                        ptr<T>(out[0]));
  });
}

void run(const op::LogSoftmaxGrad& op, Inputs in, Out out, Workspace&) {
  dispatch_floating(op.name, in[0].dtype(), [&]<class T>() {
    log_softmax_backward<T>(rows_of(in[0]), in[0].shape().back(), ptr<T>(in[1]), ptr<T>(in[0]),
                            ptr<T>(out[0]));
  });
}

}  // namespace tuco::cpu
