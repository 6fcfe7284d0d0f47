#include "tuco/devices/cuda/reduce_kernels.h"

#include <bit>
#include <type_traits>

#include "tuco/devices/cuda/launch.h"

namespace tuco::cuda {
namespace {

/// What a reduction does: begin, take in an element, join two parts of which `a` came first,
/// finish.
template <class T>
struct Summing {
  using Part = std::conditional_t<std::is_floating_point_v<T>, double, int64_t>;
  double divisor;
  __device__ Part begin() const { return 0; }
  __device__ Part take(Part part, T x, int64_t) const { return part + static_cast<Part>(x); }
  __device__ Part join(Part a, Part b) const { return a + b; }
  __device__ T finish(Part part) const {
    if constexpr (std::is_floating_point_v<T>)
      return static_cast<T>(part / divisor);
    else
      return static_cast<T>(part);
  }
};

template <class T, bool kIndex>
struct Leading {
  struct Part {
    int64_t index;  // negative if there is none yet
    T value;
  };
  __device__ Part begin() const { return {-1, T{}}; }
  __device__ Part take(Part part, T x, int64_t index) const { return join(part, {index, x}); }
  __device__ Part join(Part a, Part b) const {
    if (b.index < 0) return a;
    if (a.index < 0) return b;
    // NaN counts as the largest, as in NumPy; of equals, the first.
    const bool a_nan = a.value != a.value, b_nan = b.value != b.value;
    if (a_nan != b_nan) return a_nan ? a : b;
    if (!a_nan && a.value != b.value) return a.value > b.value ? a : b;
    return a.index < b.index ? a : b;
  }
  __device__ auto finish(Part part) const {
    if constexpr (kIndex)
      return part.index;
    else
      return part.value;
  }
};

/// The largest Part there is.
constexpr int64_t kPartBytes = 16;

/// Rows up to which one thread reduces all of them.
constexpr int64_t kFewRows = 32;

/// How a reduction is cut: blocks of (width, kThreads / width) threads, which cover `width`
/// neighbouring columns and a chunk of the rows.
struct Cut {
  int64_t tiles, chunks, rows;  // of columns, of rows, rows of a chunk
  int width;
};

Cut cut_of(const ReduceShape& s) {
  Cut cut{};
  cut.width = static_cast<int>(std::bit_ceil<uint64_t>(std::clamp<int64_t>(s.inner, 1, 32)));
  cut.tiles = (s.inner + cut.width - 1) / cut.width;
  // Enough blocks for the largest device, if every thread still has a few rows.
  constexpr int64_t kBlocks = 1024, kRowsOfThread = 8;
  const int64_t wanted =
      (kBlocks + s.outer * cut.tiles - 1) / std::max<int64_t>(1, s.outer * cut.tiles);
  const int64_t least = kRowsOfThread * (kThreads / cut.width);
  cut.chunks = std::clamp<int64_t>(wanted, 1, std::max<int64_t>(1, s.reduced / least));
  cut.rows = (s.reduced + cut.chunks - 1) / cut.chunks;
  return cut;
}

struct Partials {};

template <class Reduction, class T, class Out>
__global__ void __launch_bounds__(kThreads)
    reduce_kernel(Reduction reduction, ReduceShape s, Cut cut, const T* x, Out* y,
                  typename Reduction::Part* parts) {
  using Part = typename Reduction::Part;
  auto& partial = shared<Part[kThreads], Partials>();
  const int64_t tile = blockIdx.x % cut.tiles, chunk = blockIdx.x / cut.tiles % cut.chunks,
                outer = blockIdx.x / (cut.tiles * cut.chunks);
  const int64_t column = tile * cut.width + threadIdx.x;
  const int64_t end = (chunk + 1) * cut.rows < s.reduced ? (chunk + 1) * cut.rows : s.reduced;
  Part part = reduction.begin();
  if (column < s.inner)
    for (int64_t r = chunk * cut.rows + threadIdx.y; r < end; r += blockDim.y)
      part = reduction.take(part, x[(outer * s.reduced + r) * s.inner + column], r);
  partial[threadIdx.y * cut.width + threadIdx.x] = part;
  for (unsigned half = blockDim.y / 2; half > 0; half /= 2) {
    __syncthreads();
    if (threadIdx.y < half) {
      part = reduction.join(part, partial[(threadIdx.y + half) * cut.width + threadIdx.x]);
      partial[threadIdx.y * cut.width + threadIdx.x] = part;
    }
  }
  if (threadIdx.y != 0 || column >= s.inner) return;
  if (cut.chunks == 1)
    y[outer * s.inner + column] = reduction.finish(part);
  else
    parts[(outer * cut.chunks + chunk) * s.inner + column] = part;
}

template <class Reduction, class T, class Out>
void reduce(const Reduction& reduction, const ReduceShape& shape, const T* x, Out* y, void* scratch,
            cudaStream_t stream) {
  using Part = typename Reduction::Part;
  static_assert(sizeof(Part) <= kPartBytes);
  if (shape.outer * shape.inner == 0) return;
  if (shape.reduced <= kFewRows) {
    const ReduceShape s = shape;
    parallel_for(s.outer * s.inner, stream, [=] __device__(int64_t i) {
      const T* from = x + i / s.inner * s.reduced * s.inner + i % s.inner;
      Part part = reduction.begin();
      for (int64_t r = 0; r < s.reduced; ++r) part = reduction.take(part, from[r * s.inner], r);
      y[i] = reduction.finish(part);
    });
    return;
  }
  const Cut cut = cut_of(shape);
  auto* parts = static_cast<Part*>(scratch);
  launch(reduce_kernel<Reduction, T, Out>,
         dim3(static_cast<unsigned>(shape.outer * cut.tiles * cut.chunks)),
         dim3(cut.width, kThreads / cut.width), 0, stream, reduction, shape, cut, x, y, parts);
  if (cut.chunks == 1) return;
  const int64_t inner = shape.inner, chunks = cut.chunks;
  parallel_for(shape.outer * inner, stream, [=] __device__(int64_t i) {
    const int64_t first = i / inner * chunks * inner + i % inner;
    Part part = parts[first];
    for (int64_t c = 1; c < chunks; ++c) part = reduction.join(part, parts[first + c * inner]);
    y[i] = reduction.finish(part);
  });
}

}  // namespace

int64_t reduce_scratch_bytes(const ReduceShape& shape) {
  if (shape.reduced <= kFewRows) return 0;
  const Cut cut = cut_of(shape);
  return cut.chunks == 1 ? 0 : shape.outer * cut.chunks * shape.inner * kPartBytes;
}

template <class T>
void reduce_sum(const ReduceShape& shape, const T* x, double divisor, T* y, void* scratch,
                cudaStream_t stream) {
  reduce(Summing<T>{divisor}, shape, x, y, scratch, stream);
}
template <class T>
void reduce_max(const ReduceShape& shape, const T* x, T* y, void* scratch, cudaStream_t stream) {
  reduce(Leading<T, false>{}, shape, x, y, scratch, stream);
}
template <class T>
void reduce_argmax(const ReduceShape& shape, const T* x, int64_t* y, void* scratch,
                   cudaStream_t stream) {
  reduce(Leading<T, true>{}, shape, x, y, scratch, stream);
}

#define TUCO_SUM(T) \
  template void reduce_sum(const ReduceShape&, const T*, double, T*, void*, cudaStream_t);
#define TUCO_MAX(T)                                                                \
  template void reduce_max(const ReduceShape&, const T*, T*, void*, cudaStream_t); \
  template void reduce_argmax(const ReduceShape&, const T*, int64_t*, void*, cudaStream_t);
TUCO_SUM(float)
TUCO_SUM(double)
TUCO_SUM(int32_t)
TUCO_SUM(int64_t)
TUCO_MAX(float)
TUCO_MAX(double)
TUCO_MAX(int8_t)
TUCO_MAX(uint8_t)
TUCO_MAX(int16_t)
TUCO_MAX(int32_t)
TUCO_MAX(int64_t)
TUCO_MAX(bool)

}  // namespace tuco::cuda
