#include "tuco/devices/cuda/fill_kernels.h"

#include "tuco/core/convert.h"
#include "tuco/core/rng.h"
#include "tuco/devices/cuda/launch.h"

namespace tuco::cuda {

template <class T>
void fill(T* y, T value, const Strided<1>& walk, cudaStream_t stream) {
  parallel_for(walk.count, stream, [=] __device__(int64_t i) { y[walk(i).at[0]] = value; });
}

template <class T>
void fill_steps(T* y, double start, double step, int64_t n, cudaStream_t stream) {
  parallel_for(n, stream, [=] __device__(int64_t i) {
    y[i] = convert<T>(start + step * static_cast<double>(i));
  });
}

template <class T>
void random(const PhiloxPlace& place, bool normal, T* y, int64_t n, cudaStream_t stream) {
  const PhiloxPlace p = place;
  parallel_for((n + 3) / 4, stream, [=] __device__(int64_t b) {
    const philox::Block words = philox::block(p.seed, p.stream, p.block + b);
    float values[4];
    if (normal) {
      const auto first = philox::to_normal(words[0], words[1]),
                 second = philox::to_normal(words[2], words[3]);
      values[0] = first[0], values[1] = first[1], values[2] = second[0], values[3] = second[1];
    } else {
      for (int k = 0; k < 4; ++k) values[k] = philox::to_unit(words[k]);
    }
    for (int k = 0; k < 4; ++k)
      if (b * 4 + k < n) y[b * 4 + k] = static_cast<T>(values[k]);
  });
}

template <class T>
void dropout(const PhiloxPlace& place, float p, T scale, const T* x, T* y, int64_t n,
             cudaStream_t stream) {
  const PhiloxPlace at = place;
  parallel_for((n + 3) / 4, stream, [=] __device__(int64_t b) {
    const philox::Block words = philox::block(at.seed, at.stream, at.block + b);
    for (int k = 0; k < 4; ++k)
      if (const int64_t i = b * 4 + k; i < n)
        y[i] = philox::to_unit(words[k]) < p ? T{0} : x[i] * scale;
  });
}

template <class T>
void accumulate(T alpha, T keep, const T* x, T* y, const Strided<2>& walk, cudaStream_t stream) {
  parallel_for(walk.count, stream, [=] __device__(int64_t i) {
    const auto offset = walk(i);
    T& out = y[offset.at[1]];
    out = keep * out + alpha * x[offset.at[0]];
  });
}

namespace {

/// Calls step(tensor, element) for all elements of all tensors of a list.
template <class T, int N, class Step>
void for_each_element(const TensorList<T, N>& list, cudaStream_t stream, const Step& step) {
  parallel_for(list.begin[list.count], stream, [=] __device__(int64_t i) {
    int low = 0, high = list.count;  // list.begin[low] <= i < list.begin[high]
    while (high - low > 1) {
      const int middle = (low + high) / 2;
      (list.begin[middle] <= i ? low : high) = middle;
    }
    step(list, low, i - list.begin[low]);
  });
}

template <class T>
struct AccumulateAt {
  T alpha, keep;
  __device__ void operator()(const TensorList<T, 2>& list, int k, int64_t i) const {
    list.at[1][k][i] = keep * list.at[1][k][i] + alpha * list.at[0][k][i];
  }
};
template <class T>
struct SgdAt {
  SgdFormula<T> formula;
  __device__ void operator()(const TensorList<T, 3>& list, int k, int64_t i) const {
    formula.step(list.at[0][k][i], list.at[1][k][i], list.at[2][k][i]);
  }
};
template <class T>
struct AdamWAt {
  AdamWFormula<T> formula;
  __device__ void operator()(const TensorList<T, 4>& list, int k, int64_t i) const {
    formula.step(list.at[0][k][i], list.at[1][k][i], list.at[2][k][i], list.at[3][k][i]);
  }
};

}  // namespace

template <class T>
void accumulate(T alpha, T keep, const TensorList<T, 2>& list, cudaStream_t stream) {
  for_each_element(list, stream, AccumulateAt<T>{alpha, keep});
}
template <class T>
void sgd_step(const SgdFormula<T>& formula, const TensorList<T, 3>& list, cudaStream_t stream) {
  for_each_element(list, stream, SgdAt<T>{formula});
}
template <class T>
void adamw_step(const AdamWFormula<T>& formula, const TensorList<T, 4>& list, cudaStream_t stream) {
  for_each_element(list, stream, AdamWAt<T>{formula});
}

#define TUCO_FILL(T)                                          \
  template void fill(T*, T, const Strided<1>&, cudaStream_t); \
  template void fill_steps(T*, double, double, int64_t, cudaStream_t);
TUCO_FILL(float)
TUCO_FILL(double)
TUCO_FILL(int8_t)
TUCO_FILL(uint8_t)
TUCO_FILL(int16_t)
TUCO_FILL(int32_t)
TUCO_FILL(int64_t)
TUCO_FILL(bool)

#define TUCO_FLOATING(T)                                                                    \
  template void random(const PhiloxPlace&, bool, T*, int64_t, cudaStream_t);                \
  template void dropout(const PhiloxPlace&, float, T, const T*, T*, int64_t, cudaStream_t); \
  template void accumulate(T, T, const T*, T*, const Strided<2>&, cudaStream_t);            \
  template void accumulate(T, T, const TensorList<T, 2>&, cudaStream_t);                    \
  template void sgd_step(const SgdFormula<T>&, const TensorList<T, 3>&, cudaStream_t);      \
  template void adamw_step(const AdamWFormula<T>&, const TensorList<T, 4>&, cudaStream_t);
TUCO_FLOATING(float)
TUCO_FLOATING(double)

}  // namespace tuco::cuda
