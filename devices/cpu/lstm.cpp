// An LSTM over whole sequences: what comes from the inputs is one product over all steps, so that
// only the product with the hidden states is left to each step. Sequences do not know each other:
// threads take some each and run through all of their steps without waiting.
#include "tuco/core/ops/lstm.h"

#include <algorithm>
#include <optional>

#include "tuco/core/parallel.h"
#include "tuco/devices/cpu/gemm.h"
#include "tuco/devices/cpu/kernels.h"
#include "tuco/devices/cpu/lstm_kernels.h"
#include "tuco/devices/cpu/scratch.h"

namespace tuco::cpu {
namespace {

/// Sequences up to which products take the stored weights, as dot products, and are what threads
/// share.
constexpr int64_t kFewSequences = 3;

/// The weights of an Lstm that are constant, packed.
struct PreparedLstm final : Prepared {
  std::optional<PackedMatrix> weight, recurrent;
};

/// op(b) (k, n), by which every step multiplies, or many rows do. In float32 it is packed before if
/// that is done or worth it.
template <class T>
class StepMatrix {
 public:
  /// b is stored (n, k) if `trans`.
  StepMatrix(bool trans, int64_t k, int64_t n, const T* b,
             const std::optional<PackedMatrix>* packed, bool pack)
      : trans_(trans), k_(k), n_(n), b_(b) {
    if constexpr (std::is_same_v<T, float>) {
      if (packed && *packed)
        packed_ = &**packed;
      else if (pack)
        packed_ = &own_.emplace(trans, k, n, b, trans ? k : n);
    }
  }
  StepMatrix(const StepMatrix&) = delete;
  StepMatrix& operator=(const StepMatrix&) = delete;

  /// c = a * op(b) + beta * c + bias, which goes with beta = 0 alone.
  void multiply(Rows<const T> a, int64_t rows, T beta, Rows<T> c, const T* bias = nullptr) const {
    if constexpr (std::is_same_v<T, float>)
      if (packed_)
        return gemm(rows, a.data, a.stride, *packed_, c.data, c.stride, {.bias = bias}, beta);
    gemm<T>(false, trans_, rows, n_, k_, T{1}, a.data, a.stride, b_, trans_ ? k_ : n_, beta, c.data,
            c.stride, {.bias = bias});
  }

 private:
  bool trans_;
  int64_t k_, n_;
  const T* b_;
  const PackedMatrix* packed_ = nullptr;
  std::optional<PackedMatrix> own_;
};

/// Calls body(first, last) for parts of n sequences. In float64, the oracle, there is one part.
template <class T, class Body>
void for_each_part(int64_t n, int64_t steps, int64_t units, const Body& body) {
  if (n == 0) return;
  if (n <= kFewSequences || !std::is_same_v<T, float>) return body(0, n);
  constexpr int64_t kProductsPerThread = 1 << 18;
  parallel_for(0, n, 1 + kProductsPerThread / (4 * units * units * (steps + 1)), body);
}

/// Numbers of (n, steps, width) at one step, from sequence `first` on.
template <class T>
Rows<T> at_step(T* data, int64_t steps, int64_t width, int64_t first, int64_t step) {
  return {data + (first * steps + step) * width, steps * width};
}

/// A state of n sequences from one of as many, or from one for all. It may be there already.
template <class T>
void copy_state(const Tensor& from, int64_t n, T* to) {
  if (ptr<T>(from) == to) return;
  const int64_t units = from.dim(1), stride = from.dim(0) == n ? units : 0;
  for (int64_t i = 0; i < n; ++i) std::copy_n(ptr<T>(from) + i * stride, units, to + i * units);
}

/// Where the results of Lstm go, and what LstmTrain keeps; `cells` is null where the last ones
/// alone are kept.
template <class T>
struct Places {
  T *y, *hidden, *cell, *gates, *cells;
};

template <class T>
void run_forward(double clip, Inputs in, const Places<T>& out, const PreparedLstm* prepared) {
  const int64_t n = in[0].dim(0), steps = in[0].dim(1), channels = in[0].dim(2),
                units = in[2].dim(1);
  T *y = out.y, *hidden = out.hidden, *cell = out.cell, *gates = out.gates, *cells = out.cells;
  copy_state(in[4], n, hidden);
  copy_state(in[5], n, cell);
  const StepMatrix<T> weight(true, channels, 4 * units, ptr<T>(in[1]),
                             prepared ? &prepared->weight : nullptr, false);
  weight.multiply({ptr<T>(in[0]), channels}, n * steps, T{0}, {gates, 4 * units}, ptr<T>(in[3]));
  const StepMatrix<T> recurrent(true, units, 4 * units, ptr<T>(in[2]),
                                prepared ? &prepared->recurrent : nullptr, n > kFewSequences);
  for_each_part<T>(n, steps, units, [&](int64_t first, int64_t last) {
    const Rows<T> last_hidden = {hidden + first * units, units},
                  last_cell = {cell + first * units, units};
    Rows<const T> hidden_before = {last_hidden.data, units}, before = {last_cell.data, units};
    for (int64_t s = 0; s < steps; ++s) {
      const Rows<T> sums = at_step(gates, steps, 4 * units, first, s),
                    hidden_after = at_step(y, steps, units, first, s),
                    after = cells ? at_step(cells, steps, units, first, s) : last_cell;
      recurrent.multiply(hidden_before, last - first, T{1}, sums);
      lstm_step<T>({last - first, units, clip, sums, before, after, hidden_after});
      hidden_before = {hidden_after.data, hidden_after.stride};
      before = {after.data, after.stride};
    }
    if (steps == 0) return;
    for (int64_t i = 0; i < last - first; ++i) {
      std::copy_n(hidden_before[i], units, last_hidden[i]);
      if (cells) std::copy_n(before[i], units, last_cell[i]);
    }
  });
}

template <class T>
void run_backward(double clip, Inputs in, Out out) {
  const int64_t n = in[0].dim(0), steps = in[0].dim(1), units = in[0].dim(2);
  const T *gates = ptr<T>(in[5]), *cells = ptr<T>(in[6]), *first_cells = ptr<T>(in[4]);
  const int64_t first_stride = in[4].dim(0) == n ? units : 0;
  T *sums = ptr<T>(out[0]), *hidden = ptr<T>(out[1]), *cell = ptr<T>(out[2]);
  copy_state(in[1], n, hidden);
  copy_state(in[2], n, cell);
  const StepMatrix<T> recurrent(false, 4 * units, units, ptr<T>(in[3]), nullptr, true);
  for_each_part<T>(n, steps, units, [&](int64_t first, int64_t last) {
    const Rows<T> hidden_rows = {hidden + first * units, units},
                  cell_rows = {cell + first * units, units};
    for (int64_t s = steps - 1; s >= 0; --s) {
      const Rows<const T> before =
          s ? at_step(cells, steps, units, first, s - 1)
            : Rows<const T>{first_cells + first * first_stride, first_stride};
      const Rows<T> sums_rows = at_step(sums, steps, 4 * units, first, s);
      lstm_step_backward<T>({last - first,
                             units,
                             clip,
                             at_step(gates, steps, 4 * units, first, s),
                             before,
                             at_step(cells, steps, units, first, s),
                             at_step<const T>(ptr<T>(in[0]), steps, units, first, s),
                             {hidden_rows.data, units},
                             cell_rows,
                             sums_rows});
      recurrent.multiply({sums_rows.data, sums_rows.stride}, last - first, T{0}, hidden_rows);
    }
  });
}

}  // namespace

void run(const op::Lstm& op, Inputs in, Out out, Workspace& workspace) {
  dispatch_floating(op.name, in[0].dtype(), [&]<class T>() {
    const int64_t n = in[0].dim(0), units = in[2].dim(1), states = n * in[0].dim(1) * units;
    Scratch scratch;
    // A plan has no place for results that nobody reads.
    const auto place = [&](size_t i, int64_t count) {
      return out[i].defined() ? ptr<T>(out[i]) : scratch.get<T>(count);
    };
    const Places<T> places = {place(0, states), place(1, n * units), place(2, n * units),
                              scratch.get<T>(4 * states), nullptr};
    run_forward<T>(op.cell_clip, in, places,
                   dynamic_cast<const PreparedLstm*>(workspace.prepared()));
  });
}

void run(const op::LstmTrain& op, Inputs in, Out out, Workspace&) {
  dispatch_floating(op.name, in[0].dtype(), [&]<class T>() {
    run_forward<T>(op.cell_clip, in,
                   {ptr<T>(out[0]), ptr<T>(out[1]), ptr<T>(out[2]), ptr<T>(out[3]), ptr<T>(out[4])},
                   nullptr);
  });
}

void run(const op::LstmGrad& op, Inputs in, Out out, Workspace&) {
  dispatch_floating(op.name, in[0].dtype(),
                    [&]<class T>() { run_backward<T>(op.cell_clip, in, out); });
}

std::unique_ptr<Prepared> prepare(const op::Lstm&, Inputs constants) {
  auto prepared = std::make_unique<PreparedLstm>();
  const auto pack = [&](size_t i, std::optional<PackedMatrix>& packed) {
    if (constants.size() <= i || !constants[i].defined() || constants[i].dtype() != DType::float32)
      return;
    const Tensor matrix = dense(constants[i]);
    packed.emplace(true, matrix.dim(1), matrix.dim(0), ptr<float>(matrix), matrix.dim(1));
  };
  pack(1, prepared->weight);
  pack(2, prepared->recurrent);
  if (!prepared->weight && !prepared->recurrent) return nullptr;
  return prepared;
}

}  // namespace tuco::cpu
