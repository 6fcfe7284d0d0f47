// Ops that write tensors from nothing or change them in place: fills, random numbers, and the
// optimizers' steps.
#include "tuco/core/error.h"
#include "tuco/core/rng.h"
#include "tuco/core/convert.h"
#include "tuco/devices/cpu/strided.h"
#include "tuco/devices/optimizer_steps.h"

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

namespace {

/// Calls body(k, begin, end) for ranges of elements that cover all tensors, in one parallel region.
template <class Body>
void for_each_range(Inputs tensors, const Body& body) {
  int64_t total = 0;
  for (const Tensor& tensor : tensors) total += tensor.numel();
  parallel_for(0, total, kGrain, [&](int64_t begin, int64_t end) {
    int64_t first = 0;
    for (size_t k = 0; k < tensors.size() && first < end; ++k) {
      const int64_t size = tensors[k].numel();
      const int64_t from = std::max(begin - first, int64_t{0}), to = std::min(end - first, size);
      if (from < to) body(k, from, to);
      first += size;
    }
  });
}

template <class T>
void accumulate(const op::Accumulate& op, const T* from, int64_t from_step, T* to, int64_t to_step,
                int64_t n) {
  const T alpha = static_cast<T>(op.alpha), keep = static_cast<T>(op.keep);
  for (int64_t i = 0; i < n; ++i)
    to[i * to_step] = keep * to[i * to_step] + alpha * from[i * from_step];
}

}  // namespace

void run(const op::Accumulate& op, Inputs in, Out out, Workspace&) {
  dispatch_floating(op.name, out[0].dtype(), [&]<class T>() {
    const auto is_dense = [](const Tensor& t) { return t.is_contiguous(); };
    if (std::ranges::all_of(in, is_dense) && std::ranges::all_of(out, is_dense)) {
      for_each_range(in, [&](size_t k, int64_t begin, int64_t end) {
        accumulate(op, ptr<T>(in[k]) + begin, 1, ptr<T>(out[k]) + begin, 1, end - begin);
      });
      return;
    }
    for (size_t k = 0; k < in.size(); ++k) {
      const T* x = base<T>(in[k]);
      T* y = base<T>(out[k]);
      parallel_runs<2>({in[k].layout(), out[k].layout()},
                       [&](const auto& at, const auto& step, int64_t n) {
                         accumulate(op, x + at[0], step[0], y + at[1], step[1], n);
                       });
    }
  });
}

void run(const op::SgdStep& op, Inputs in, Out out, Workspace&) {
  dispatch_floating(op.name, out[0].dtype(), [&]<class T>() {
    const auto formula = sgd_formula<T>(op);
    for_each_range(in, [&](size_t k, int64_t begin, int64_t end) {
      const T* gradient = ptr<T>(in[k]);
      T *weight = ptr<T>(out[k]), *velocity = ptr<T>(out[in.size() + k]);
      for (int64_t i = begin; i < end; ++i) formula.step(gradient[i], weight[i], velocity[i]);
    });
  });
}

void run(const op::AdamWStep& op, Inputs in, Out out, Workspace&) {
  dispatch_floating(op.name, out[0].dtype(), [&]<class T>() {
    const auto formula = adamw_formula<T>(op);
    for_each_range(in, [&](size_t k, int64_t begin, int64_t end) {
      const T* gradient = ptr<T>(in[k]);
      T *weight = ptr<T>(out[k]), *mean = ptr<T>(out[in.size() + k]),
        *square = ptr<T>(out[2 * in.size() + k]);
      for (int64_t i = begin; i < end; ++i)
        formula.step(gradient[i], weight[i], mean[i], square[i]);
    });
  });
}

}  // namespace tuco::cpu
