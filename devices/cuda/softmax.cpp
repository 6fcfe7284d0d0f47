#include "tuco/core/ops/softmax.h"

#include "tuco/devices/cuda/kernels.h"
#include "tuco/devices/cuda/softmax_kernels.h"

namespace tuco::cuda {
namespace {

int64_t rows_of(const Tensor& tensor) {
  const int64_t n = tensor.shape().back();
  return n ? tensor.numel() / n : 0;
}

template <class Op>
void forward(const Op& op, bool log, Inputs in, Out out, Call& call) {
  dispatch_floating(op.name, in[0].dtype(), [&]<class T>() {
    softmax_forward<T>(log, rows_of(in[0]), in[0].shape().back(), ptr<T>(in[0]), ptr<T>(out[0]),
                       call.stream);
  });
}

template <class Op>
void backward(const Op& op, bool log, Inputs in, Out out, Call& call) {
  dispatch_floating(op.name, in[0].dtype(), [&]<class T>() {
    softmax_backward<T>(log, rows_of(in[0]), in[0].shape().back(), ptr<T>(in[1]), ptr<T>(in[0]),
                        ptr<T>(out[0]), call.stream);
  });
}

}  // namespace

void run(const op::Softmax& op, Inputs in, Out out, Call& call) {
  forward(op, false, in, out, call);
}
void run(const op::LogSoftmax& op, Inputs in, Out out, Call& call) {
  forward(op, true, in, out, call);
}
void run(const op::SoftmaxGrad& op, Inputs in, Out out, Call& call) {
  backward(op, false, in, out, call);
}
void run(const op::LogSoftmaxGrad& op, Inputs in, Out out, Call& call) {
  backward(op, true, in, out, call);
}

}  // namespace tuco::cuda
