// Point-wise functions over dense tensors, by packs where the memory allows. For .cu files.
#pragma once
#include "tuco/devices/cuda/launch.h"
#include "tuco/devices/cuda/pack.h"

namespace tuco::cuda {

namespace detail {
template <class... T>
bool are_packs(const T*... pointers) {
  return (fits_packs<T>(4, 4, {pointers}) && ...);
}
}  // namespace detail

/// y[i] = f(x[i]) for n elements, by fours where the memory allows.
template <class Y, class F, class X>
void map(int64_t n, cudaStream_t stream, const F& f, Y* y, const X* x) {
  const int64_t packs = detail::are_packs(y, x) ? n / 4 : 0;
  parallel_for(n - 3 * packs, stream, [=] __device__(int64_t i) {
    if (i >= packs) {
      const int64_t at = 3 * packs + i;  // the rest, one by one
      y[at] = f(x[at]);
      return;
    }
    const Pack<X, 4> in = reinterpret_cast<const Pack<X, 4>*>(x)[i];
    Pack<Y, 4> out;
    for (int k = 0; k < 4; ++k) out.v[k] = f(in.v[k]);
    reinterpret_cast<Pack<Y, 4>*>(y)[i] = out;
  });
}

/// y[i] = f(a[i], b[i]) likewise.
template <class Y, class F, class A, class B>
void map(int64_t n, cudaStream_t stream, const F& f, Y* y, const A* a, const B* b) {
  const int64_t packs = detail::are_packs(y, a, b) ? n / 4 : 0;
  parallel_for(n - 3 * packs, stream, [=] __device__(int64_t i) {
    if (i >= packs) {
      const int64_t at = 3 * packs + i;
      y[at] = f(a[at], b[at]);
      return;
    }
    const Pack<A, 4> first = reinterpret_cast<const Pack<A, 4>*>(a)[i];
    const Pack<B, 4> second = reinterpret_cast<const Pack<B, 4>*>(b)[i];
    Pack<Y, 4> out;
    for (int k = 0; k < 4; ++k) out.v[k] = f(first.v[k], second.v[k]);
    reinterpret_cast<Pack<Y, 4>*>(y)[i] = out;
  });
}

}  // namespace tuco::cuda
