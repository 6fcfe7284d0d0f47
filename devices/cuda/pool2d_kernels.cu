#include "tuco/devices/cuda/launch.h"
#include "tuco/devices/cuda/pack.h"
#include "tuco/devices/cuda/pool_sites.h"

namespace tuco::cuda {
namespace {

template <class T, class Int, int kCount>
struct MaxForward {
  PoolView<Int> view;
  const Pack<T, kCount>* x;
  Pack<T, kCount>* y;
  Pack<int32_t, kCount>* winner;

  __device__ void operator()(int64_t index) const {
    const PoolSite<Int> site(static_cast<Int>(index), view.v.out, view.h.out, view.channels);
    Pack<T, kCount> best{};
    Pack<int32_t, kCount> which;
    for (int k = 0; k < kCount; ++k) which.v[k] = -1;
    for_each_cell(
        view, site,
        [&](Int at, Int pixel) {
          const Pack<T, kCount> values = x[at];
          for (int k = 0; k < kCount; ++k) {
            const T value = values.v[k];
            if (which.v[k] < 0 || value > best.v[k] || value != value)
              best.v[k] = value, which.v[k] = static_cast<int32_t>(pixel);
          }
        },
        [] {});
    y[index] = best;
    if (winner) winner[index] = which;
  }
};

template <class T, class Int, int kCount>
struct MaxBackward {
  PoolView<Int> view;
  const Pack<T, kCount>* dy;
  const Pack<int32_t, kCount>* winner;
  Pack<T, kCount>* dx;

  __device__ void operator()(int64_t index) const {
    const PoolSite<Int> site(static_cast<Int>(index), view.v.in, view.h.in, view.channels);
    const auto pixel = static_cast<int32_t>(site.i * view.h.in + site.j);
    Pack<T, kCount> sum{};
    for_each_window(view, site, [&](Int at, Int, Int) {
      const Pack<int32_t, kCount> which = winner[at];
      const Pack<T, kCount> gradient = dy[at];
      for (int k = 0; k < kCount; ++k)
        if (which.v[k] == pixel) sum.v[k] += gradient.v[k];
    });
    dx[index] = sum;
  }
};

template <class T, class Int, int kCount>
struct AverageForward {
  PoolView<Int> view;
  bool count_include_pad;
  const Pack<T, kCount>* x;
  Pack<T, kCount>* y;

  __device__ void operator()(int64_t index) const {
    const PoolSite<Int> site(static_cast<Int>(index), view.v.out, view.h.out, view.channels);
    Pack<T, kCount> sum{}, row{};  // sums of rows stay short, and so exact enough
    for_each_cell(
        view, site,
        [&](Int at, Int) {
          const Pack<T, kCount> values = x[at];
          for (int k = 0; k < kCount; ++k) row.v[k] += values.v[k];
        },
        [&] {
          for (int k = 0; k < kCount; ++k) sum.v[k] += row.v[k], row.v[k] = 0;
        });
    const auto divisor =
        static_cast<T>(pool_divisor(view.v, view.h, site.i, site.j, count_include_pad));
    for (int k = 0; k < kCount; ++k) sum.v[k] /= divisor;
    y[index] = sum;
  }
};

template <class T, class Int, int kCount>
struct AverageBackward {
  PoolView<Int> view;
  bool count_include_pad;
  const Pack<T, kCount>* dy;
  Pack<T, kCount>* dx;

  __device__ void operator()(int64_t index) const {
    const PoolSite<Int> site(static_cast<Int>(index), view.v.in, view.h.in, view.channels);
    Pack<T, kCount> sum{};
    for_each_window(view, site, [&](Int at, Int i, Int j) {
      const Pack<T, kCount> gradient = dy[at];
      const auto divisor = static_cast<T>(pool_divisor(view.v, view.h, i, j, count_include_pad));
      for (int k = 0; k < kCount; ++k) sum.v[k] += gradient.v[k] / divisor;
    });
    dx[index] = sum;
  }
};

/// Calls make<Int, kCount>() for the indices and packs that these sizes and addresses allow, and
/// runs what it gives on `elements` / kCount threads.
template <class T, class Make>
void for_packs(const PoolSizes& sizes, int64_t elements, bool packs, cudaStream_t stream,
               const Make& make) {
  if (!fits_int32(sizes))
    parallel_for(elements, stream, make.template operator()<int64_t, 1>());
  else if (packs)
    parallel_for(elements / kPackOf<T>, stream, make.template operator()<int32_t, kPackOf<T>>());
  else
    parallel_for(elements, stream, make.template operator()<int32_t, 1>());
}

template <class T, int kCount>
const Pack<T, kCount>* packs_of(const T* data) {
  return reinterpret_cast<const Pack<T, kCount>*>(data);
}
template <class T, int kCount>
Pack<T, kCount>* packs_of(T* data) {
  return reinterpret_cast<Pack<T, kCount>*>(data);
}

/// Whether images and winners can be read in packs of T.
template <class T>
bool packs(const PoolSizes& sizes, const T* a, const T* b, const int32_t* winner = nullptr) {
  return fits_packs<T>(sizes.channels, kPackOf<T>, {a, b}) &&
         fits_packs<int32_t>(sizes.channels, kPackOf<T>, {winner});
}

}  // namespace

template <class T>
void max_pool_forward(const PoolSizes& sizes, const T* x, T* y, int32_t* winner,
                      cudaStream_t stream) {
  for_packs<T>(sizes, sizes.outputs(), packs(sizes, x, y, winner), stream,
               [&]<class Int, int kCount>() {
                 return MaxForward<T, Int, kCount>{{sizes, kCount},
                                                   packs_of<T, kCount>(x),
                                                   packs_of<T, kCount>(y),
                                                   packs_of<int32_t, kCount>(winner)};
               });
}

template <class T>
void max_pool_backward(const PoolSizes& sizes, const T* dy, const int32_t* winner, T* dx,
                       cudaStream_t stream) {
  for_packs<T>(sizes, sizes.inputs(), packs<T>(sizes, dy, dx, winner), stream,
               [&]<class Int, int kCount>() {
                 return MaxBackward<T, Int, kCount>{{sizes, kCount},
                                                    packs_of<T, kCount>(dy),
                                                    packs_of<int32_t, kCount>(winner),
                                                    packs_of<T, kCount>(dx)};
               });
}

template <class T>
void average_pool_forward(const PoolSizes& sizes, bool count_include_pad, const T* x, T* y,
                          cudaStream_t stream) {
  for_packs<T>(sizes, sizes.outputs(), packs<T>(sizes, x, y), stream, [&]<class Int, int kCount>() {
    return AverageForward<T, Int, kCount>{
        {sizes, kCount}, count_include_pad, packs_of<T, kCount>(x), packs_of<T, kCount>(y)};
  });
}

template <class T>
void average_pool_backward(const PoolSizes& sizes, bool count_include_pad, const T* dy, T* dx,
                           cudaStream_t stream) {
  for_packs<T>(
      sizes, sizes.inputs(), packs<T>(sizes, dy, dx), stream, [&]<class Int, int kCount>() {
        return AverageBackward<T, Int, kCount>{
            {sizes, kCount}, count_include_pad, packs_of<T, kCount>(dy), packs_of<T, kCount>(dx)};
      });
}

#define TUCO_INSTANTIATE(T)                                                                  \
  template void max_pool_forward<T>(const PoolSizes&, const T*, T*, int32_t*, cudaStream_t); \
  template void max_pool_backward<T>(const PoolSizes&, const T*, const int32_t*, T*,         \
                                     cudaStream_t);                                          \
  template void average_pool_forward<T>(const PoolSizes&, bool, const T*, T*, cudaStream_t); \
  template void average_pool_backward<T>(const PoolSizes&, bool, const T*, T*, cudaStream_t);
TUCO_INSTANTIATE(float)
TUCO_INSTANTIATE(double)
#undef TUCO_INSTANTIATE

}  // namespace tuco::cuda
