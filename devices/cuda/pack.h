// Four elements at once: what a thread reads and writes in one instruction where memory lies so.
#pragma once
#include <algorithm>
#include <cstdint>

#include "tuco/devices/cuda/launch.h"

namespace tuco::cuda {

template <class T>
struct alignas(4 * sizeof(T) < 16 ? 4 * sizeof(T) : 16) Pack {
  T at[4];
};

/// Whether pointers can be read as packs.
template <class... T>
bool are_aligned(const T*... pointers) {
  return ((reinterpret_cast<uintptr_t>(pointers) % alignof(Pack<T>) == 0) && ...);
}

/// y[i] = f(x[i]) for n elements, by fours where the memory allows.
template <class Y, class F, class X>
void map(int64_t n, cudaStream_t stream, const F& f, Y* y, const X* x) {
  const int64_t packs = are_aligned(y, x) ? n / 4 : 0;
  parallel_for(n - 3 * packs, stream, [=] __device__(int64_t i) {
    if (i >= packs) {
      const int64_t at = 3 * packs + i;  // the rest, one by one
      y[at] = f(x[at]);
      return;
    }
    const Pack<X> in = reinterpret_cast<const Pack<X>*>(x)[i];
    Pack<Y> out;
    for (int k = 0; k < 4; ++k) out.at[k] = f(in.at[k]);
    reinterpret_cast<Pack<Y>*>(y)[i] = out;
  });
}

/// y[i] = f(a[i], b[i]) likewise.
template <class Y, class F, class A, class B>
void map(int64_t n, cudaStream_t stream, const F& f, Y* y, const A* a, const B* b) {
  const int64_t packs = are_aligned(y, a, b) ? n / 4 : 0;
  parallel_for(n - 3 * packs, stream, [=] __device__(int64_t i) {
    if (i >= packs) {
      const int64_t at = 3 * packs + i;
      y[at] = f(a[at], b[at]);
      return;
    }
    const Pack<A> first = reinterpret_cast<const Pack<A>*>(a)[i];
    const Pack<B> second = reinterpret_cast<const Pack<B>*>(b)[i];
    Pack<Y> out;
    for (int k = 0; k < 4; ++k) out.at[k] = f(first.at[k], second.at[k]);
    reinterpret_cast<Pack<Y>*>(y)[i] = out;
  });
}

}  // namespace tuco::cuda
