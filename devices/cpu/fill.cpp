// Ops that write tensors from nothing or change them in place: fills, random numbers, and the
// optimizers' steps.
#include "tuco/core/error.h"
#include "tuco/core/rng.h"
#include "tuco/devices/cpu/convert.h"
#include "tuco/devices/cpu/strided.h"

namespace tuco::cpu {
namespace {

/// Calls body(i, uniform number in [0, 1)) or, two by two, normal numbers for elements of a dense
/// tensor of n elements, in whole Philox blocks.
template <class Body>
void for_each_block(const op::RandomPlace& place, int64_t n, Body&& body) {
  parallel_for(0, (n + 3) / 4, kGrain / 16, [&](int64_t begin, int64_t end) {
    for (int64_t b = begin; b < end; ++b)
      body(b * 4, std::min<int64_t>(4, n - b * 4),
           philox::block(place.seed, place.stream, place.block + b));
  });
}

}  // namespace

void run(const op::Fill& op, Inputs, Out out, Workspace&) {
  dispatch_all(op.name, out[0].dtype(), [&]<class T>() {
    T* y = base<T>(out[0]);
    if (op.step == 0) {
      const T value = convert<T>(op.start);
      parallel_runs<1>({out[0].layout()}, [&](const auto& at, const auto& step, int64_t n) {
        if (step[0] == 1)
          std::fill_n(y + at[0], n, value);
        else
          for (int64_t i = 0; i < n; ++i) y[at[0] + i * step[0]] = value;
      });
      return;
    }
    require<Error>(out[0].is_contiguous(), "fill: an increasing fill needs a dense tensor");
    T* dense_y = ptr<T>(out[0]);
    for (int64_t i = 0; i < out[0].numel(); ++i)
      dense_y[i] = convert<T>(op.start + op.step * static_cast<double>(i));
  });
}

void run(const op::Random& op, Inputs, Out out, Workspace&) {
  dispatch_floating(op.name, out[0].dtype(), [&]<class T>() {
    T* y = ptr<T>(out[0]);
    for_each_block(op.place, out[0].numel(), [&](int64_t first, int64_t count, const auto& words) {
      float values[4];
      if (op.normal) {
        const auto a = philox::to_normal(words[0], words[1]);
        const auto b = philox::to_normal(words[2], words[3]);
        values[0] = a[0], values[1] = a[1], values[2] = b[0], values[3] = b[1];
      } else {
        for (int i = 0; i < 4; ++i) values[i] = philox::to_unit(words[i]);
      }
      for (int64_t i = 0; i < count; ++i) y[first + i] = static_cast<T>(values[i]);
    });
  });
}

void run(const op::Dropout& op, Inputs in, Out out, Workspace&) {
  dispatch_floating(op.name, out[0].dtype(), [&]<class T>() {
    const T* x = ptr<T>(in[0]);
    T* y = ptr<T>(out[0]);
    const auto p = static_cast<float>(op.p);
    const T scale = op.p < 1 ? static_cast<T>(1 / (1 - op.p)) : T{0};
    for_each_block(op.place, out[0].numel(), [&](int64_t first, int64_t count, const auto& words) {
      for (int64_t i = 0; i < count; ++i)
        y[first + i] = philox::to_unit(words[i]) < p ? T{0} : x[first + i] * scale;
    });
  });
}

void run(const op::Accumulate& op, Inputs in, Out out, Workspace&) {
  dispatch_floating(op.name, out[0].dtype(), [&]<class T>() {
    const T* x = base<T>(in[0]);
    T* y = base<T>(out[0]);
    const T alpha = static_cast<T>(op.alpha), keep = static_cast<T>(op.keep);
    parallel_runs<2>({in[0].layout(), out[0].layout()},
                     [&](const auto& at, const auto& step, int64_t n) {
                       const T* from = x + at[0];
                       T* to = y + at[1];
                       for (int64_t i = 0; i < n; ++i)
                         to[i * step[1]] = keep * to[i * step[1]] + alpha * from[i * step[0]];
                     });
  });
}

void run(const op::SgdStep& op, Inputs in, Out out, Workspace&) {
  dispatch_floating(op.name, out[0].dtype(), [&]<class T>() {
    const T* gradient = ptr<T>(in[0]);
    T *weight = ptr<T>(out[0]), *velocity = ptr<T>(out[1]);
    const T lr = static_cast<T>(op.lr), momentum = static_cast<T>(op.momentum),
            decay = static_cast<T>(op.weight_decay);
    parallel_for(0, out[0].numel(), kGrain, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const T d = gradient[i] + decay * weight[i];
        velocity[i] = momentum * velocity[i] + d;
        weight[i] -= lr * (op.nesterov ? d + momentum * velocity[i] : velocity[i]);
      }
    });
  });
}

void run(const op::AdamWStep& op, Inputs in, Out out, Workspace&) {
  dispatch_floating(op.name, out[0].dtype(), [&]<class T>() {
    const T* gradient = ptr<T>(in[0]);
    T *weight = ptr<T>(out[0]), *mean = ptr<T>(out[1]), *square = ptr<T>(out[2]);
    const T beta1 = static_cast<T>(op.beta1), beta2 = static_cast<T>(op.beta2);
    const T step = static_cast<T>(op.lr / (1 - std::pow(op.beta1, op.step)));
    const T unbias = static_cast<T>(1 / std::sqrt(1 - std::pow(op.beta2, op.step)));
    const T eps = static_cast<T>(op.eps), keep = static_cast<T>(1 - op.lr * op.weight_decay);
    parallel_for(0, out[0].numel(), kGrain, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        mean[i] = beta1 * mean[i] + (1 - beta1) * gradient[i];
        square[i] = beta2 * square[i] + (1 - beta2) * gradient[i] * gradient[i];
        weight[i] = weight[i] * keep - step * mean[i] / (std::sqrt(square[i]) * unbias + eps);
      }
    });
  });
}

}  // namespace tuco::cpu
