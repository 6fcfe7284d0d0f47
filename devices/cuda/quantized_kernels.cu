#include "tuco/devices/cuda/quantized_kernels.h"

#include "tuco/deploy/runtime/pool.h"
#include "tuco/devices/cuda/block_reduce.h"
#include "tuco/devices/cuda/pool_sites.h"
#include "tuco/devices/cuda/quantized_output.h"
#include "tuco/devices/qsoftmax_formulas.h"

namespace tuco::cuda {
namespace {

/// y = combine(a, b), element by element.
template <class Combine>
struct OfTwo {
  QOperands operands;
  const int8_t *a, *b;
  int8_t* y;
  Combine combine;

  __device__ void operator()(int64_t i) const {
    const auto offsets = operands(i);
    y[offsets.at[2]] = combine(a[offsets.at[0]], b[offsets.at[1]]);
  }
};

template <class Combine>
void for_two(const QOperands& operands, const int8_t* a, const int8_t* b, int8_t* y,
             cudaStream_t stream, const Combine& combine) {
  parallel_for(operands.count, stream, OfTwo<Combine>{operands, a, b, y, combine});
}

struct Addition {
  tuco_addition p;
  int32_t subtract;
  __device__ int8_t operator()(int8_t a, int8_t b) const { return tuco_sum(a, b, subtract, &p); }
};
struct Multiplication {
  tuco_multiplication p;
  __device__ int8_t operator()(int8_t a, int8_t b) const { return tuco_product(a, b, &p); }
};
struct Rectification {
  tuco_rectification p;
  int32_t low, high;
  __device__ int8_t operator()(int8_t a, int8_t b) const {
    return static_cast<int8_t>(tuco_clamped(tuco_rectified(a, b, &p), low, high));
  }
};

}  // namespace

void qadd(const QOperands& operands, bool subtract, const tuco_addition& addition, const int8_t* a,
          const int8_t* b, int8_t* y, cudaStream_t stream) {
  for_two(operands, a, b, y, stream, Addition{addition, subtract});
}
void qmultiply(const QOperands& operands, const tuco_multiplication& multiplication,
               const int8_t* a, const int8_t* b, int8_t* y, cudaStream_t stream) {
  for_two(operands, a, b, y, stream, Multiplication{multiplication});
}
void qrectify(const QOperands& operands, const tuco_rectification& rectification, int32_t low,
              int32_t high, const int8_t* a, const int8_t* b, int8_t* y, cudaStream_t stream) {
  for_two(operands, a, b, y, stream, Rectification{rectification, low, high});
}

void qmean(const QMeanSizes& s, int32_t in_zero_point, int32_t multiplier, int32_t shift,
           const QOutput& out, const int8_t* x, int8_t* y, cudaStream_t stream) {
  parallel_for(s.outer * s.inner, stream, [=] __device__(int64_t i) {
    const int8_t* from = x + i / s.inner * s.reduced * s.inner + i % s.inner;
    auto sum = static_cast<int32_t>(-in_zero_point * s.reduced);
    for (int64_t k = 0; k < s.reduced; ++k) sum += from[k * s.inner];
    y[i] = requantized(sum, multiplier, shift, out);
  });
}

namespace {

template <class Int>
struct QMaxPool {
  PoolView<Int> view;
  int32_t low, high;
  const int8_t* x;
  int8_t* y;

  __device__ void operator()(int64_t index) const {
    const PoolSite<Int> site(static_cast<Int>(index), view.v.out, view.h.out, view.channels);
    int32_t best = low;
    for_each_cell(
        view, site, [&](Int at, Int) { best = tuco_max(best, x[at]); }, [] {});
    y[index] = static_cast<int8_t>(tuco_min(best, high));
  }
};

template <class Int>
struct QAveragePool {
  PoolView<Int> view;
  bool count_include_pad;
  int32_t zero_point, low, high;
  const int8_t* x;
  int8_t* y;

  __device__ void operator()(int64_t index) const {
    const PoolSite<Int> site(static_cast<Int>(index), view.v.out, view.h.out, view.channels);
    int32_t sum = 0;
    for_each_cell(
        view, site, [&](Int at, Int) { sum += x[at]; }, [] {});
    const auto divisor = [&](bool padding) {
      return static_cast<int32_t>(pool_divisor(view.v, view.h, site.i, site.j, padding));
    };
    const int32_t cells = divisor(count_include_pad);
    if (count_include_pad) sum += (cells - divisor(false)) * zero_point;
    y[index] = static_cast<int8_t>(tuco_clamped(tuco_rounded_quotient(sum, cells), low, high));
  }
};

/// A warp for each row; all of its threads go through the same rows.
__global__ void __launch_bounds__(kThreads)
    softmax_kernel(int64_t rows, int64_t depth, const int8_t* x, const int32_t* table, int8_t* y) {
  const int64_t step = int64_t{gridDim.x} * (blockDim.x / 32), lane = threadIdx.x % 32;
  for (int64_t row = int64_t{blockIdx.x} * (blockDim.x / 32) + threadIdx.x / 32; row < rows;
       row += step) {
    const int8_t* from = x + row * depth;
    int32_t largest = -128, sum = 0;
    for (int64_t i = lane; i < depth; i += 32) largest = tuco_max(largest, from[i]);
    largest = reduce_warp(largest, MaxOf());
    for (int64_t i = lane; i < depth; i += 32) sum += qsoftmax_term(table[largest - from[i]]);
    sum = reduce_warp(sum, AddOf());
    const QSoftmaxScale scale = qsoftmax_scale(sum);
    for (int64_t i = lane; i < depth; i += 32)
      y[row * depth + i] = qsoftmax_share(scale, table[largest - from[i]]);
  }
}

/// A block for each sequence, whose threads take the units.
__global__ void __launch_bounds__(kThreads) lstm_kernel(QLstmCall call) {
  auto& numbers = shared<tuco_lstm_numbers>();
  const int32_t inputs = call.inputs, units = call.units;
  const int32_t depth = tuco_lstm_depth(inputs), recurrent = tuco_lstm_depth(units);
  int8_t* x = dynamic_shared<int8_t>();
  int8_t *h = x + depth, *next = h + recurrent;
  const auto thread = static_cast<int32_t>(threadIdx.x);
  if (thread < static_cast<int32_t>(sizeof(tuco_lstm_numbers) / sizeof(int32_t)))
    reinterpret_cast<int32_t*>(&numbers)[thread] = call.numbers[thread];
  __syncthreads();
  if (thread == 0) numbers.steps = call.steps, numbers.inputs = inputs, numbers.units = units;
  for (int64_t n = blockIdx.x; n < call.sequences; n += gridDim.x) {
    const int8_t* in = call.x + n * call.steps * inputs;
    const int8_t* first_hidden = call.first_hidden + (call.shared_hidden ? 0 : n * units);
    const int16_t* first_cell = call.first_cell + (call.shared_cell ? 0 : n * units);
    int16_t* cell = call.cell + n * units;
    __syncthreads();  // of the sequence before
    for (int32_t i = thread; i < depth; i += kThreads) x[i] = 0;
    for (int32_t u = thread; u < recurrent; u += kThreads) {
      h[u] = u < units ? first_hidden[u] : 0;
      next[u] = 0;
      if (u < units) cell[u] = first_cell[u];
    }
    for (int32_t t = 0; t < call.steps; ++t) {
      __syncthreads();
      for (int32_t i = thread; i < inputs; i += kThreads) x[i] = in[t * int64_t{inputs} + i];
      __syncthreads();
      for (int32_t u = thread; u < units; u += kThreads) {
        next[u] =
            tuco_lstm_unit(cell + u, x, h, call.weights + int64_t{4} * u * (depth + recurrent), 0,
                           call.bias + int64_t{8} * u, &numbers);
        if (call.y) call.y[(n * call.steps + t) * units + u] = next[u];
      }
      int8_t* const last = h;
      h = next, next = last;
    }
    __syncthreads();
    if (call.hidden)
      for (int32_t u = thread; u < units; u += kThreads) call.hidden[n * units + u] = h[u];
  }
}

}  // namespace

void qmax_pool(const PoolSizes& sizes, int32_t low, int32_t high, const int8_t* x, int8_t* y,
               cudaStream_t stream) {
  if (fits_int32(sizes))
    parallel_for(sizes.outputs(), stream, QMaxPool<int32_t>{{sizes, 1}, low, high, x, y});
  else
    parallel_for(sizes.outputs(), stream, QMaxPool<int64_t>{{sizes, 1}, low, high, x, y});
}

void qaverage_pool(const PoolSizes& sizes, bool count_include_pad, int32_t zero_point, int32_t low,
                   int32_t high, const int8_t* x, int8_t* y, cudaStream_t stream) {
  if (fits_int32(sizes))
    parallel_for(sizes.outputs(), stream,
                 QAveragePool<int32_t>{{sizes, 1}, count_include_pad, zero_point, low, high, x, y});
  else
    parallel_for(sizes.outputs(), stream,
                 QAveragePool<int64_t>{{sizes, 1}, count_include_pad, zero_point, low, high, x, y});
}

void qlookup(int64_t size, const int8_t* x, const int8_t* table, int8_t* y, cudaStream_t stream) {
  parallel_for(size, stream, [=] __device__(int64_t i) { y[i] = table[x[i] + 128]; });
}

void qsoftmax(int64_t rows, int64_t depth, const int8_t* x, const int32_t* table, int8_t* y,
              cudaStream_t stream) {
  if (rows == 0 || depth == 0) return;
  launch(softmax_kernel, blocks_for(rows, kThreads / 32), kThreads, 0, stream, rows, depth, x,
         table, y);
}

void qlstm(const QLstmCall& call, cudaStream_t stream) {
  if (call.sequences == 0) return;
  const auto depth = [](int32_t size) { return static_cast<size_t>((size + 3) / 4 * 4); };
  launch(lstm_kernel, blocks_for(call.sequences, 1), kThreads,
         depth(call.inputs) + 2 * depth(call.units), stream, call);
}

void quantize_linear(int64_t size, float scale, int32_t zero_point, const float* x, int8_t* y,
                     cudaStream_t stream) {
  parallel_for(size, stream, [=] __device__(int64_t i) {
    const float q = ::roundf(x[i] / scale) + static_cast<float>(zero_point);
    // NaN is not above the bound.
    y[i] = static_cast<int8_t>(q > -128 ? (q < 127 ? q : 127.0f) : -128.0f);
  });
}

void dequantize_linear(int64_t size, float scale, int32_t zero_point, const int8_t* x, float* y,
                       cudaStream_t stream) {
  parallel_for(size, stream,
               [=] __device__(int64_t i) { y[i] = static_cast<float>(x[i] - zero_point) * scale; });
}

}  // namespace tuco::cuda
