// Convolution and linear layers on int8: a thread for each output, products of four bytes at a time
// where the channels allow it.
#include "tuco/devices/cuda/launch.h"
#include "tuco/devices/cuda/pool_sites.h"
#include "tuco/devices/cuda/quantized_output.h"

namespace tuco::cuda {
namespace {

/// A sum of products of bytes with weights, and of the weights, which the zero point meets.
struct QSums {
  int32_t products = 0, weights = 0;

  /// kWords: `depth` bytes are whole words that can be read as such.
  template <bool kWords>
  __device__ void add(const int8_t* x, const int8_t* w, int32_t depth) {
    if constexpr (kWords) {
      const auto* xs = reinterpret_cast<const int32_t*>(x);
      const auto* ws = reinterpret_cast<const int32_t*>(w);
      for (int32_t i = 0; i < depth / 4; ++i) {
        products = __dp4a(xs[i], ws[i], products);
        weights = __dp4a(0x01010101, ws[i], weights);
      }
    } else {
      for (int32_t i = 0; i < depth; ++i) products += x[i] * w[i], weights += w[i];
    }
  }
};

template <class Int, bool kWords>
struct Convolve {
  PoolView<Int> view;
  Int out_channels, group_outputs;
  int32_t depth, in_zero_point;
  QOutput out;
  const int8_t *x, *weight;
  const int32_t *bias, *multipliers;
  QAddend addend;
  int8_t* y;

  __device__ void operator()(int64_t index) const {
    const PoolSite<Int> site(static_cast<Int>(index), view.v.out, view.h.out, out_channels);
    const Int o = site.c, first = o / group_outputs * depth;
    const auto rows = view.v.cells(site.i), columns = view.h.cells(site.j);
    QSums sums;
    for (Int a = rows.begin; a < rows.end; ++a)
      for (Int b = columns.begin; b < columns.end; ++b) {
        const Int pixel = (site.n * view.v.in + view.v.input(site.i, a)) * view.h.in +
                          view.h.input(site.j, b),
                  tap = (o * view.v.kernel + a) * view.h.kernel + b;
        sums.add<kWords>(x + pixel * view.channels + first, weight + tap * depth, depth);
      }
    const int32_t sum = bias[o] + sums.products - in_zero_point * sums.weights;
    const int8_t result = requantized(sum, multipliers[2 * o], multipliers[2 * o + 1], out);
    y[index] = addend.image ? tuco_sum(result, addend.image[index], 0, &addend.addition) : result;
  }
};

bool is_aligned(const void* data) { return reinterpret_cast<uintptr_t>(data) % 4 == 0; }

}  // namespace

void qconvolve(const QConvolution& conv, const int8_t* x, const int8_t* weight, const int32_t* bias,
               const int32_t* multipliers, const QAddend& addend, int8_t* y, cudaStream_t stream) {
  const int64_t depth = conv.sizes.channels / conv.groups;
  const auto run = [&]<class Int, bool kWords>() {
    parallel_for(conv.outputs(), stream,
                 Convolve<Int, kWords>{{conv.sizes, 1},
                                       static_cast<Int>(conv.out_channels),
                                       static_cast<Int>(conv.out_channels / conv.groups),
                                       static_cast<int32_t>(depth),
                                       conv.in_zero_point,
                                       conv.out,
                                       x,
                                       weight,
                                       bias,
                                       multipliers,
                                       addend,
                                       y});
  };
  const int64_t weights = conv.out_channels * conv.sizes.v.kernel * conv.sizes.h.kernel * depth;
  const bool words = depth % 4 == 0 && is_aligned(x) && is_aligned(weight);
  if (std::max({conv.sizes.inputs(), conv.outputs(), weights}) > INT32_MAX)
    words ? run.operator()<int64_t, true>() : run.operator()<int64_t, false>();
  else
    words ? run.operator()<int32_t, true>() : run.operator()<int32_t, false>();
}

}  // namespace tuco::cuda
