#include "tuco/core/ops/batch_norm.h"

#include "tuco/devices/cpu/batch_norm_kernels.h"
#include "tuco/devices/cpu/kernels.h"

namespace tuco::cpu {
namespace {

/// A normalisation with the given variance, whose inverse deviations it owns.
template <class T>
class Norm {
 public:
  Norm(double eps, const T* mean, const T* variance, const Tensor& gamma, const T* beta)
      : inverse_(gamma.numel()) {
    for (size_t c = 0; c < inverse_.size(); ++c)
      inverse_[c] = static_cast<T>(1 / std::sqrt(static_cast<double>(variance[c]) + eps));
    norm_ = {mean, inverse_.data(), ptr<T>(gamma), beta};
  }
  const Normalization<T>& get() const { return norm_; }

 private:
  std::vector<T> inverse_;
  Normalization<T> norm_;
};

int64_t channels_of(const Tensor& x) { return x.shape().back(); }
int64_t rows_of(const Tensor& x) { return channels_of(x) ? x.numel() / channels_of(x) : 0; }

WindowGeometry pool_geometry(int64_t pool, const Tensor& images) {
  const Shape& s = images.shape();
  return {.batch = s[0],
          .in_h = s[1],
          .in_w = s[2],
          .in_c = s[3],
          .out_h = s[1] / pool,
          .out_w = s[2] / pool,
          .out_c = s[3],
          .kernel = pool,
          .stride = pool};
}

}  // namespace

void run(const op::BatchNorm& op, Inputs in, Out out, Workspace&) {
  dispatch_floating(op.name, in[0].dtype(), [&]<class T>() {
    const Norm<T> norm(op.eps, ptr<T>(in[3]), ptr<T>(in[4]), in[1], ptr<T>(in[2]));
    batch_norm_forward<T>(rows_of(in[0]), channels_of(in[0]), norm.get(), ptr<T>(in[0]),
                          ptr<T>(out[0]));
  });
}

namespace {

template <class T>
void normalise_batch(double eps, Inputs in, Out out, const Tail<T>& tail) {
  T *mean = ptr<T>(out[1]), *variance = ptr<T>(out[2]);
  channel_statistics<T>(rows_of(in[0]), channels_of(in[0]), ptr<T>(in[0]), mean, variance);
  const Norm<T> norm(eps, mean, variance, in[1], ptr<T>(in[2]));
  batch_norm_forward<T>(rows_of(in[0]), channels_of(in[0]), norm.get(), ptr<T>(in[0]),
                        ptr<T>(out[0]), tail);
}

}  // namespace

void run(const op::BatchNormTrain& op, Inputs in, Out out, Workspace&) {
  dispatch_floating(op.name, in[0].dtype(),
                    [&]<class T>() { normalise_batch<T>(op.eps, in, out, {}); });
}

void run(const op::BatchNormRelu& op, Inputs in, Out out, Workspace&) {
  dispatch_floating(op.name, in[0].dtype(), [&]<class T>() {
    normalise_batch<T>(op.eps, in, out, {true, in.size() > 3 ? ptr<T>(in[3]) : nullptr});
  });
}

void run(const op::BatchNormTrainGrad& op, Inputs in, Out out, Workspace&) {
  dispatch_floating(op.name, in[0].dtype(), [&]<class T>() {
    const Norm<T> norm(op.eps, ptr<T>(in[4]), ptr<T>(in[5]), in[2], ptr<T>(in[3]));
    TailGradient<T> tail{op.relu};
    if (in.size() > 6) tail = {op.relu, ptr<T>(in[6]), ptr<T>(out[3])};
    batch_norm_backward<T>(rows_of(in[1]), channels_of(in[1]), norm.get(), ptr<T>(in[1]),
                           ptr<T>(in[0]), ptr<T>(out[0]), ptr<T>(out[1]), ptr<T>(out[2]), tail);
  });
}

void run(const op::BatchNormReluPool& op, Inputs in, Out out, Workspace&) {
  const WindowGeometry g = pool_geometry(op.pool, in[0]);
  dispatch_floating(op.name, in[0].dtype(), [&]<class T>() {
    T *mean = ptr<T>(out[1]), *variance = ptr<T>(out[2]);
    channel_statistics<T>(rows_of(in[0]), channels_of(in[0]), ptr<T>(in[0]), mean, variance);
    const Norm<T> norm(op.eps, mean, variance, in[1], ptr<T>(in[2]));
    bn_relu_pool_forward<T>(g, norm.get(), ptr<T>(in[0]), ptr<T>(out[0]), ptr<uint8_t>(out[3]));
  });
}

void run(const op::BatchNormReluPoolGrad& op, Inputs in, Out out, Workspace&) {
  const WindowGeometry g = pool_geometry(op.pool, in[1]);
  dispatch_floating(op.name, in[0].dtype(), [&]<class T>() {
    const Norm<T> norm(op.eps, ptr<T>(in[4]), ptr<T>(in[5]), in[2], ptr<T>(in[3]));
    bn_relu_pool_backward<T>(g, norm.get(), ptr<T>(in[1]), ptr<T>(in[6]), ptr<uint8_t>(in[7]),
                             ptr<T>(in[0]), ptr<T>(out[0]), ptr<T>(out[1]), ptr<T>(out[2]));
  });
}

}  // namespace tuco::cpu
