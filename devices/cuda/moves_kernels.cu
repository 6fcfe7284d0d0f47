#include "tuco/devices/cuda/moves_kernels.h"

#include "tuco/core/convert.h"
#include "tuco/devices/cuda/launch.h"

namespace tuco::cuda {
namespace {

/// Notes a fault from a kernel.
__device__ void report(Fault* fault, Fault::Kind kind, int32_t dim, int64_t index, int64_t size) {
  if (atomicCAS(&fault->kind, int32_t{Fault::none}, int32_t{kind}) != Fault::none) return;
  fault->dim = dim;
  fault->index = index;
  fault->size = size;
}

}  // namespace

template <class T>
void copy(const T* x, T* y, const Strided<2>& walk, cudaStream_t stream) {
  parallel_for(walk.count, stream, [=] __device__(int64_t i) {
    const auto offset = walk(i);
    y[offset.at[1]] = x[offset.at[0]];
  });
}

template <class From, class To>
void cast(const From* x, To* y, const Strided<2>& walk, cudaStream_t stream) {
  parallel_for(walk.count, stream, [=] __device__(int64_t i) {
    const auto offset = walk(i);
    y[offset.at[1]] = convert<To>(x[offset.at[0]]);
  });
}

template <class T>
void where(const bool* condition, const T* a, const T* b, T* y, const Strided<4>& walk,
           cudaStream_t stream) {
  parallel_for(walk.count, stream, [=] __device__(int64_t i) {
    const auto offset = walk(i);
    y[offset.at[3]] = condition[offset.at[0]] ? a[offset.at[1]] : b[offset.at[2]];
  });
}

template <class T>
void gather(const GatherShape& shape, const T* x, const int64_t* index, T* y, Fault* fault,
            cudaStream_t stream) {
  const GatherShape s = shape;
  parallel_for(s.outer * s.count * s.inner, stream, [=] __device__(int64_t i) {
    const int64_t at = index[i];
    if (at < 0 || at >= s.size) {
      report(fault, Fault::gather_index, s.dim, at, s.size);
      y[i] = T{};
      return;
    }
    const int64_t outer = i / (s.count * s.inner), inner = i % s.inner;
    y[i] = x[(outer * s.size + at) * s.inner + inner];
  });
}

template <class T>
void gather_grad(const GatherShape& shape, const T* g, const int64_t* index, T* dx,
                 cudaStream_t stream) {
  // A thread an element that is read: the sum has one order, and no thread waits for another. Few
  // read along long dimensions (a label each), where the loop is short.
  const GatherShape s = shape;
  parallel_for(s.outer * s.size * s.inner, stream, [=] __device__(int64_t i) {
    const int64_t outer = i / (s.size * s.inner), at = i / s.inner % s.size, inner = i % s.inner;
    const int64_t first = outer * s.count * s.inner + inner;
    T sum = 0;
    for (int64_t j = 0; j < s.count; ++j)
      if (index[first + j * s.inner] == at) sum += g[first + j * s.inner];
    dx[i] = sum;
  });
}

#define TUCO_MOVES(T)                                                                        \
  template void copy(const T*, T*, const Strided<2>&, cudaStream_t);                         \
  template void where(const bool*, const T*, const T*, T*, const Strided<4>&, cudaStream_t); \
  template void gather(const GatherShape&, const T*, const int64_t*, T*, Fault*, cudaStream_t);
TUCO_MOVES(uint8_t)
TUCO_MOVES(uint16_t)
TUCO_MOVES(uint32_t)
TUCO_MOVES(uint64_t)
template void gather_grad(const GatherShape&, const float*, const int64_t*, float*, cudaStream_t);
template void gather_grad(const GatherShape&, const double*, const int64_t*, double*, cudaStream_t);

#define TUCO_CAST(From, To) template void cast(const From*, To*, const Strided<2>&, cudaStream_t);
#define TUCO_CASTS(From)   \
  TUCO_CAST(From, float)   \
  TUCO_CAST(From, double)  \
  TUCO_CAST(From, int8_t)  \
  TUCO_CAST(From, uint8_t) \
  TUCO_CAST(From, int16_t) \
  TUCO_CAST(From, int32_t) TUCO_CAST(From, int64_t) TUCO_CAST(From, bool)
TUCO_CASTS(float)
TUCO_CASTS(double)
TUCO_CASTS(int8_t)
TUCO_CASTS(uint8_t)
TUCO_CASTS(int16_t)
TUCO_CASTS(int32_t)
TUCO_CASTS(int64_t)
TUCO_CASTS(bool)

}  // namespace tuco::cuda
