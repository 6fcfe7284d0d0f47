#include "tuco/core/ops/batch_norm.h"

#include "tuco/devices/cuda/batch_norm_kernels.h"
#include "tuco/devices/cuda/kernels.h"

namespace tuco::cuda {
namespace {

NormSizes sizes_of(const Tensor& x) {
  const int64_t channels = x.shape().back();
  return {channels ? x.numel() / channels : 0, channels};
}

NormPool pool_of(int64_t pool, const Tensor& images) {
  const Shape& s = images.shape();
  return {s[0], s[1], s[2], s[1] / pool, s[2] / pool, s[3], pool};
}

template <class T>
Normalization<T> norm_of(double eps, const Tensor& gamma, const Tensor& beta, const Tensor& mean,
                         const Tensor& variance) {
  return {ptr<T>(mean), ptr<T>(variance), ptr<T>(gamma), ptr<T>(beta), eps};
}

/// Fills mean and variance, outputs 1 and 2, from x, input 0; gives the normalisation with them.
template <class T>
Normalization<T> batch_statistics(double eps, Inputs in, Out out, Call& call) {
  const NormSizes sizes = sizes_of(in[0]);
  channel_statistics<T>(sizes, ptr<T>(in[0]), ptr<T>(out[1]), ptr<T>(out[2]),
                        call.scratch<double>(norm_scratch(sizes), in[0].device()), call.stream);
  return norm_of<T>(eps, in[1], in[2], out[1], out[2]);
}

template <class T>
void normalise_batch(double eps, bool relu, Inputs in, Out out, Call& call) {
  const auto norm = batch_statistics<T>(eps, in, out, call);
  norm_forward<T>(sizes_of(in[0]), norm, relu, ptr<T>(in[0]),
                  in.size() > 3 ? ptr<T>(in[3]) : nullptr, ptr<T>(out[0]), call.stream);
}

}  // namespace

void run(const op::BatchNorm& op, Inputs in, Out out, Call& call) {
  dispatch_floating(op.name, in[0].dtype(), [&]<class T>() {
    norm_forward<T>(sizes_of(in[0]), norm_of<T>(op.eps, in[1], in[2], in[3], in[4]), false,
                    ptr<T>(in[0]), nullptr, ptr<T>(out[0]), call.stream);
  });
}

void run(const op::BatchNormTrain& op, Inputs in, Out out, Call& call) {
  dispatch_floating(op.name, in[0].dtype(),
                    [&]<class T>() { normalise_batch<T>(op.eps, false, in, out, call); });
}

void run(const op::BatchNormRelu& op, Inputs in, Out out, Call& call) {
  dispatch_floating(op.name, in[0].dtype(),
                    [&]<class T>() { normalise_batch<T>(op.eps, true, in, out, call); });
}

void run(const op::BatchNormTrainGrad& op, Inputs in, Out out, Call& call) {
  const NormSizes sizes = sizes_of(in[1]);
  dispatch_floating(op.name, in[0].dtype(), [&]<class T>() {
    NormGradient<T> gradient{ptr<T>(in[0]), op.relu, nullptr, nullptr};
    if (in.size() > 6) gradient.y = ptr<T>(in[6]), gradient.dskip = ptr<T>(out[3]);
    norm_backward<T>(sizes, norm_of<T>(op.eps, in[2], in[3], in[4], in[5]), gradient, ptr<T>(in[1]),
                     ptr<T>(out[0]), ptr<T>(out[1]), ptr<T>(out[2]),
                     call.scratch<double>(norm_scratch(sizes), in[0].device()), call.stream);
  });
}

void run(const op::BatchNormReluPool& op, Inputs in, Out out, Call& call) {
  dispatch_floating(op.name, in[0].dtype(), [&]<class T>() {
    const auto norm = batch_statistics<T>(op.eps, in, out, call);
    norm_relu_pool_forward<T>(pool_of(op.pool, in[0]), norm, ptr<T>(in[0]), ptr<T>(out[0]),
                              ptr<uint8_t>(out[3]), call.stream);
  });
}

void run(const op::BatchNormReluPoolGrad& op, Inputs in, Out out, Call& call) {
  const NormPool sizes = pool_of(op.pool, in[1]);
  dispatch_floating(op.name, in[0].dtype(), [&]<class T>() {
    norm_relu_pool_backward<T>(
        sizes, norm_of<T>(op.eps, in[2], in[3], in[4], in[5]), ptr<T>(in[0]), ptr<uint8_t>(in[7]),
        ptr<T>(in[1]), ptr<T>(out[0]), ptr<T>(out[1]), ptr<T>(out[2]),
        call.scratch<double>(norm_scratch(sizes.outputs()), in[0].device()), call.stream);
  });
}

}  // namespace tuco::cuda
