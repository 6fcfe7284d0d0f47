#include "tuco/devices/cuda/batch_norm_kernels.h"

#include "tuco/devices/cuda/norm_channels.h"

namespace tuco::cuda {
namespace {

/// Moments of x, about the first of some rows: sound whatever the mean.
template <class T>
struct MomentsOf {
  using Partial = Moments;
  const T* x;

  template <int kPack>
  struct Sums {
    const Pack<T, kPack>* x;
    int64_t packs;
    Pack<T, kPack> first;
    T sum[kPack], squares[kPack];

    __device__ Sums(const MomentsOf& source, const RowGrid& grid)
        : x(reinterpret_cast<const Pack<T, kPack>*>(source.x) + grid.pack()), packs(grid.packs) {}
    __device__ void start(int64_t row) {
      first = x[row * packs];
      for (int k = 0; k < kPack; ++k) sum[k] = squares[k] = 0;
    }
    __device__ void add(int64_t row) {
      const Pack<T, kPack> values = x[row * packs];
      for (int k = 0; k < kPack; ++k) {
        const T d = values.v[k] - first.v[k];
        sum[k] += d;
        squares[k] += d * d;
      }
    }
    __device__ Moments partial(int k, int count) const {
      const double mean = double(sum[k]) / count;
      const double rest = double(squares[k]) - mean * double(sum[k]);
      return {double(count), first.v[k] + mean, rest < 0 ? 0 : rest};
    }
  };
};

template <class T>
struct FinishMoments {
  T *mean, *variance;

  __device__ void operator()(int64_t c, const Moments& moments) const {
    mean[c] = static_cast<T>(moments.mean);
    variance[c] = static_cast<T>(moments.squares / moments.count);
  }
};

/// The gradient that comes to the normalised value of x, past ReLU.
template <class T, int kPack>
__device__ Pack<T, kPack> arriving(const NormPack<T, kPack>& norm, const NormGradient<T>& gradient,
                                   int64_t at, const Pack<T, kPack>& x) {
  Pack<T, kPack> g = reinterpret_cast<const Pack<T, kPack>*>(gradient.dy)[at];
  if (!gradient.relu) return g;
  Pack<T, kPack> y;
  if (gradient.y) y = reinterpret_cast<const Pack<T, kPack>*>(gradient.y)[at];
  for (int k = 0; k < kPack; ++k)
    if ((gradient.y ? y.v[k] : norm(k, x.v[k])) <= 0) g.v[k] = 0;
  return g;
}

template <class T>
struct SumsOfGradient {
  using Partial = GradientSums;
  Normalization<T> norm;
  NormGradient<T> gradient;
  const T* x;

  template <int kPack>
  struct Sums : GradientPack<T, kPack> {
    NormGradient<T> gradient;
    const Pack<T, kPack>* x;
    int64_t packs, pack;
    NormPack<T, kPack> norm;

    __device__ Sums(const SumsOfGradient& source, const RowGrid& grid)
        : gradient(source.gradient),
          x(reinterpret_cast<const Pack<T, kPack>*>(source.x)),
          packs(grid.packs),
          pack(grid.pack()),
          norm(norm_of<NormPack<T, kPack>, kPack>(grid, source.norm)) {}
    __device__ void add(int64_t row) {
      const int64_t at = row * packs + pack;
      const Pack<T, kPack> values = x[at], g = arriving(norm, gradient, at, values);
      for (int k = 0; k < kPack; ++k) {
        this->scaled[k] += g.v[k] * (values.v[k] - norm.mean[k]);
        this->plain[k] += g.v[k];
      }
    }
  };
};

template <class T, int kPack>
__global__ void __launch_bounds__(kThreads)
    forward_kernel(RowGrid grid, Normalization<T> given, bool relu, const Pack<T, kPack>* x,
                   const Pack<T, kPack>* skip, Pack<T, kPack>* y) {
  const auto norm = norm_of<NormPack<T, kPack>, kPack>(grid, given);
  const int64_t pack = grid.pack();
  if (pack >= grid.packs) return;
  for (int64_t row = grid.first_row(); row < grid.rows; row += grid.row_step()) {
    const int64_t at = row * grid.packs + pack;
    Pack<T, kPack> values = x[at], added{};
    if (skip) added = skip[at];
    for (int k = 0; k < kPack; ++k) {
      const T value = norm(k, values.v[k]) + added.v[k];
      values.v[k] = relu && value <= 0 ? 0 : value;
    }
    y[at] = values;
  }
}

template <class T, int kPack>
__global__ void __launch_bounds__(kThreads)
    backward_kernel(RowGrid grid, Normalization<T> given, NormGradient<T> gradient, const T* dgamma,
                    const T* dbeta, const Pack<T, kPack>* x, Pack<T, kPack>* dx) {
  const auto norm = norm_of<NormGradientPack<T, kPack>, kPack>(grid, given, dgamma, dbeta);
  const int64_t pack = grid.pack();
  if (pack >= grid.packs) return;
  for (int64_t row = grid.first_row(); row < grid.rows; row += grid.row_step()) {
    const int64_t at = row * grid.packs + pack;
    const Pack<T, kPack> values = x[at];
    const Pack<T, kPack> g = arriving<T, kPack>(norm, gradient, at, values);
    Pack<T, kPack> result;
    for (int k = 0; k < kPack; ++k) result.v[k] = norm.gradient(k, values.v[k], g.v[k]);
    if (gradient.dskip) reinterpret_cast<Pack<T, kPack>*>(gradient.dskip)[at] = g;
    dx[at] = result;
  }
}

/// Calls body<kPack>() with the largest packs that fit.
template <class T, class Body>
void for_packs(int64_t channels, std::initializer_list<const T*> tensors, const Body& body) {
  if (fits_packs<T>(channels, kPackOf<T>, tensors))
    body.template operator()<kPackOf<T>>();
  else
    body.template operator()<1>();
}

}  // namespace

int64_t norm_scratch(const NormSizes& sizes) {
  unsigned blocks = 0;
  for (const int pack : {1, kPackOf<double>, kPackOf<float>})
    blocks = std::max(blocks, reduction_grid(sizes, pack).row_blocks);
  static_assert(sizeof(Moments) >= sizeof(GradientSums));
  return sizes.channels * blocks * static_cast<int64_t>(sizeof(Moments) / sizeof(double));
}

template <class T>
void channel_statistics(const NormSizes& sizes, const T* x, T* mean, T* variance, double* scratch,
                        cudaStream_t stream) {
  for_packs<T>(sizes.channels, {x}, [&]<int kPack>() {
    reduce_rows<kPack>(sizes, MomentsOf<T>{x}, scratch, FinishMoments<T>{mean, variance}, stream);
  });
}

template <class T>
void norm_forward(const NormSizes& sizes, const Normalization<T>& norm, bool relu, const T* x,
                  const T* skip, T* y, cudaStream_t stream) {
  if (sizes.rows == 0 || sizes.channels == 0) return;
  for_packs<T>(sizes.channels, {x, skip, y}, [&]<int kPack>() {
    const RowGrid grid = pass_grid(sizes, kPack);
    using Packs = Pack<T, kPack>;
    launch(forward_kernel<T, kPack>, grid.blocks(), kThreads, 0, stream, grid, norm, relu,
           reinterpret_cast<const Packs*>(x), reinterpret_cast<const Packs*>(skip),
           reinterpret_cast<Packs*>(y));
  });
}

template <class T>
void norm_backward(const NormSizes& sizes, const Normalization<T>& norm,
                   const NormGradient<T>& gradient, const T* x, T* dx, T* dgamma, T* dbeta,
                   double* scratch, cudaStream_t stream) {
  for_packs<T>(sizes.channels, {x, dx, gradient.dy, gradient.y, gradient.dskip}, [&]<int kPack>() {
    reduce_rows<kPack>(sizes, SumsOfGradient<T>{norm, gradient, x}, scratch,
                       FinishGradient<T>{norm, dgamma, dbeta}, stream);
    if (sizes.rows == 0 || sizes.channels == 0) return;
    const RowGrid grid = pass_grid(sizes, kPack);
    using Packs = Pack<T, kPack>;
    launch(backward_kernel<T, kPack>, grid.blocks(), kThreads, 0, stream, grid, norm, gradient,
           dgamma, dbeta, reinterpret_cast<const Packs*>(x), reinterpret_cast<Packs*>(dx));
  });
}

#define TUCO_INSTANTIATE(T)                                                                       \
  template void channel_statistics<T>(const NormSizes&, const T*, T*, T*, double*, cudaStream_t); \
  template void norm_forward<T>(const NormSizes&, const Normalization<T>&, bool, const T*,        \
                                const T*, T*, cudaStream_t);                                      \
  template void norm_backward<T>(const NormSizes&, const Normalization<T>&,                       \
                                 const NormGradient<T>&, const T*, T*, T*, T*, double*,           \
                                 cudaStream_t);
TUCO_INSTANTIATE(float)
TUCO_INSTANTIATE(double)
#undef TUCO_INSTANTIATE

}  // namespace tuco::cuda
