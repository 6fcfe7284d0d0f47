// Batch normalisation, ReLU and max pooling in one: a thread has a pack of channels of a window,
// and in the gradient of x, of a pixel. The gradient's sums run over the windows alone.
#include "tuco/devices/cuda/norm_channels.h"
#include "tuco/devices/cut_by_relu.h"

namespace tuco::cuda {
namespace {

/// A pixel or a window of images, whose row in (rows, channels) it is.
struct NormSite {
  int64_t n, i, j;

  __device__ NormSite(int64_t row, int64_t height, int64_t width) {
    if (row <= INT32_MAX)  // division is slow in 64 bits
      split(static_cast<uint32_t>(row), static_cast<uint32_t>(height),
            static_cast<uint32_t>(width));
    else
      split(row, height, width);
  }

 private:
  template <class Int>
  __device__ void split(Int row, Int height, Int width) {
    j = row % width, row /= width;
    i = row % height, n = row / height;
  }
};

/// The row of a cell of a window.
__device__ int64_t row_of(const NormPool& s, const NormSite& window, int cell) {
  const int pool = static_cast<int>(s.pool);
  return (window.n * s.in_h + window.i * s.pool + cell / pool) * s.in_w + window.j * s.pool +
         cell % pool;
}

template <class T, int kPack>
__global__ void __launch_bounds__(kThreads)
    forward_kernel(RowGrid grid, NormPool s, Normalization<T> given, const Pack<T, kPack>* x,
                   Pack<T, kPack>* y, Pack<uint8_t, kPack>* winner) {
  const auto norm = norm_of<NormPack<T, kPack>, kPack>(grid, given);
  const int64_t pack = grid.pack();
  if (pack >= grid.packs) return;
  const int cells = static_cast<int>(s.pool * s.pool);
  for (int64_t row = grid.first_row(); row < grid.rows; row += grid.row_step()) {
    const NormSite window(row, s.out_h, s.out_w);
    Pack<T, kPack> best{};
    Pack<uint8_t, kPack> which{};
    for (int cell = 0; cell < cells; ++cell) {
      const Pack<T, kPack> values = x[row_of(s, window, cell) * grid.packs + pack];
      for (int k = 0; k < kPack; ++k) {
        const T value = norm(k, values.v[k]);
        if (cell == 0 || value > best.v[k] || value != value)
          best.v[k] = value, which.v[k] = static_cast<uint8_t>(cell);
      }
    }
    for (int k = 0; k < kPack; ++k)
      if (best.v[k] <= 0) best.v[k] = 0, which.v[k] = kCutByRelu;
    y[row * grid.packs + pack] = best;
    winner[row * grid.packs + pack] = which;
  }
}

template <class T>
struct SumsOfWinners {
  using Partial = GradientSums;
  NormPool sizes;
  const T *mean, *dy, *x;
  const uint8_t* winner;

  template <int kPack>
  struct Sums : GradientPack<T, kPack> {
    SumsOfWinners source;
    int64_t packs, pack;

    __device__ Sums(const SumsOfWinners& of, const RowGrid& grid)
        : source(of), packs(grid.packs), pack(grid.pack()) {}
    __device__ void add(int64_t row) {
      const NormSite window(row, source.sizes.out_h, source.sizes.out_w);
      const auto g = reinterpret_cast<const Pack<T, kPack>*>(source.dy)[row * packs + pack];
      const auto which =
          reinterpret_cast<const Pack<uint8_t, kPack>*>(source.winner)[row * packs + pack];
      for (int k = 0; k < kPack; ++k) {
        if (which.v[k] == kCutByRelu) continue;
        const int64_t c = pack * kPack + k, at = row_of(source.sizes, window, which.v[k]);
        this->scaled[k] += g.v[k] * (source.x[at * source.sizes.channels + c] - source.mean[c]);
        this->plain[k] += g.v[k];
      }
    }
  };
};

template <class T, int kPack>
__global__ void __launch_bounds__(kThreads)
    backward_kernel(RowGrid grid, NormPool s, Normalization<T> given, const Pack<T, kPack>* dy,
                    const Pack<uint8_t, kPack>* winner, const T* dgamma, const T* dbeta,
                    const Pack<T, kPack>* x, Pack<T, kPack>* dx) {
  const auto norm = norm_of<NormGradientPack<T, kPack>, kPack>(grid, given, dgamma, dbeta);
  const int64_t pack = grid.pack();
  if (pack >= grid.packs) return;
  const int pool = static_cast<int>(s.pool);
  for (int64_t row = grid.first_row(); row < grid.rows; row += grid.row_step()) {
    const NormSite pixel(row, s.in_h, s.in_w);
    const int i = static_cast<int>(pixel.i) / pool, j = static_cast<int>(pixel.j) / pool;
    const int cell =
        (static_cast<int>(pixel.i) - i * pool) * pool + static_cast<int>(pixel.j) - j * pool;
    Pack<T, kPack> g{};
    if (i < s.out_h && j < s.out_w) {
      const int64_t window = ((pixel.n * s.out_h + i) * s.out_w + j) * grid.packs + pack;
      const Pack<uint8_t, kPack> which = winner[window];
      const Pack<T, kPack> gradient = dy[window];
      for (int k = 0; k < kPack; ++k)
        if (which.v[k] == cell) g.v[k] = gradient.v[k];
    }
    const Pack<T, kPack> values = x[row * grid.packs + pack];
    for (int k = 0; k < kPack; ++k) g.v[k] = norm.gradient(k, values.v[k], g.v[k]);
    dx[row * grid.packs + pack] = g;
  }
}

/// Calls body<kPack>() with the largest packs that fit.
template <class T, class Body>
void for_packs(int64_t channels, std::initializer_list<const T*> tensors, const uint8_t* winner,
               const Body& body) {
  if (fits_packs<T>(channels, kPackOf<T>, tensors) &&
      fits_packs<uint8_t>(channels, kPackOf<T>, {winner}))
    body.template operator()<kPackOf<T>>();
  else
    body.template operator()<1>();
}

}  // namespace

template <class T>
void norm_relu_pool_forward(const NormPool& sizes, const Normalization<T>& norm, const T* x, T* y,
                            uint8_t* winner, cudaStream_t stream) {
  if (sizes.outputs().rows == 0 || sizes.channels == 0) return;
  for_packs<T>(sizes.channels, {x, y}, winner, [&]<int kPack>() {
    const RowGrid grid = pass_grid(sizes.outputs(), kPack);
    launch(forward_kernel<T, kPack>, grid.blocks(), kThreads, 0, stream, grid, sizes, norm,
           reinterpret_cast<const Pack<T, kPack>*>(x), reinterpret_cast<Pack<T, kPack>*>(y),
           reinterpret_cast<Pack<uint8_t, kPack>*>(winner));
  });
}

template <class T>
void norm_relu_pool_backward(const NormPool& sizes, const Normalization<T>& norm, const T* dy,
                             const uint8_t* winner, const T* x, T* dx, T* dgamma, T* dbeta,
                             double* scratch, cudaStream_t stream) {
  for_packs<T>(sizes.channels, {dy, x, dx}, winner, [&]<int kPack>() {
    reduce_rows<kPack>(sizes.outputs(), SumsOfWinners<T>{sizes, norm.mean, dy, x, winner}, scratch,
                       FinishGradient<T>{norm, dgamma, dbeta}, stream);
    if (sizes.inputs().rows == 0 || sizes.channels == 0) return;
    const RowGrid grid = pass_grid(sizes.inputs(), kPack);
    using Packs = Pack<T, kPack>;
    launch(backward_kernel<T, kPack>, grid.blocks(), kThreads, 0, stream, grid, sizes, norm,
           reinterpret_cast<const Packs*>(dy),
           reinterpret_cast<const Pack<uint8_t, kPack>*>(winner), dgamma, dbeta,
           reinterpret_cast<const Packs*>(x), reinterpret_cast<Packs*>(dx));
  });
}

#define TUCO_INSTANTIATE(T)                                                                       \
  template void norm_relu_pool_forward<T>(const NormPool&, const Normalization<T>&, const T*, T*, \
                                          uint8_t*, cudaStream_t);                                \
  template void norm_relu_pool_backward<T>(const NormPool&, const Normalization<T>&, const T*,    \
                                           const uint8_t*, const T*, T*, T*, T*, double*,         \
                                           cudaStream_t);
TUCO_INSTANTIATE(float)
TUCO_INSTANTIATE(double)
#undef TUCO_INSTANTIATE

}  // namespace tuco::cuda
