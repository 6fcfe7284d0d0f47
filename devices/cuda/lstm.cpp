// An LSTM over whole sequences: what comes from the inputs is one product over all steps, so that
// only the product with the hidden states is left to each step, and one kernel for the rest.
#include "tuco/core/ops/lstm.h"

#include "tuco/devices/cuda/gemm.h"
#include "tuco/devices/cuda/kernels.h"
#include "tuco/devices/cuda/lstm_kernels.h"

namespace tuco::cuda {
namespace {

/// Numbers of (n, steps, width) at one step.
template <class T>
LstmRows<T> at_step(T* data, int64_t steps, int64_t width, int64_t step) {
  return {data + step * width, steps * width};
}

/// A state (n, units), or (1, units) for all of n sequences.
template <class T>
LstmRows<const T> state_of(const Tensor& state, int64_t n) {
  return {ptr<T>(state), state.dim(0) == n ? state.dim(1) : 0};
}

/// Copies a state to n sequences. It may be there already.
template <class T>
void copy_state(const Tensor& from, int64_t n, T* to, Call& call) {
  if (ptr<T>(from) != to) copy_state<T>(n, from.dim(1), state_of<T>(from, n), to, call.stream);
}

/// Where the results of Lstm go, and what LstmTrain keeps; `cells` is null where the last ones
/// alone are kept.
template <class T>
struct Places {
  T *y, *hidden, *cell, *gates, *cells;
};

template <class T>
void run_forward(double clip, Inputs in, const Places<T>& out, Call& call) {
  const int64_t n = in[0].dim(0), steps = in[0].dim(1), channels = in[0].dim(2),
                units = in[2].dim(1);
  copy_state(in[4], n, out.hidden, call);
  copy_state(in[5], n, out.cell, call);
  if (steps == 0) return;
  gemm<T>(call, false, true, n * steps, 4 * units, channels, 1, {ptr<T>(in[0]), channels},
          {ptr<T>(in[1]), channels}, 0, {out.gates, 4 * units});
  LstmRows<const T> hidden_before = {out.hidden, units}, before = {out.cell, units};
  for (int64_t s = 0; s < steps; ++s) {
    const LstmRows<T> sums = at_step(out.gates, steps, 4 * units, s),
                      hidden_after = at_step(out.y, steps, units, s),
                      after = out.cells ? at_step(out.cells, steps, units, s)
                                        : LstmRows<T>{out.cell, units};
    gemm<T>(call, false, true, n, 4 * units, units, 1, {hidden_before.data, hidden_before.stride},
            {ptr<T>(in[2]), units}, 1, {sums.data, sums.stride});
    lstm_step<T>({n, units, clip, ptr<T>(in[3]), sums, before, after, hidden_after}, call.stream);
    hidden_before = {hidden_after.data, hidden_after.stride};
    before = {after.data, after.stride};
  }
  copy_state<T>(n, units, hidden_before, out.hidden, call.stream);
  if (out.cells) copy_state<T>(n, units, before, out.cell, call.stream);
}

template <class T>
void run_backward(double clip, Inputs in, Out out, Call& call) {
  const int64_t n = in[0].dim(0), steps = in[0].dim(1), units = in[0].dim(2);
  const T *gates = ptr<T>(in[5]), *cells = ptr<T>(in[6]);
  T *sums = ptr<T>(out[0]), *hidden = ptr<T>(out[1]), *cell = ptr<T>(out[2]);
  copy_state(in[1], n, hidden, call);
  copy_state(in[2], n, cell, call);
  for (int64_t s = steps - 1; s >= 0; --s) {
    const LstmRows<T> sums_rows = at_step(sums, steps, 4 * units, s);
    lstm_step_backward<T>({n,
                           units,
                           clip,
                           at_step(gates, steps, 4 * units, s),
                           s ? at_step(cells, steps, units, s - 1) : state_of<T>(in[4], n),
                           at_step(cells, steps, units, s),
                           at_step<const T>(ptr<T>(in[0]), steps, units, s),
                           {hidden, units},
                           {cell, units},
                           sums_rows},
                          call.stream);
    gemm<T>(call, false, false, n, units, 4 * units, 1, {sums_rows.data, sums_rows.stride},
            {ptr<T>(in[3]), units}, 0, {hidden, units});
  }
}

}  // namespace

void run(const op::Lstm& op, Inputs in, Out out, Call& call) {
  dispatch_floating(op.name, in[0].dtype(), [&]<class T>() {
    const int64_t n = in[0].dim(0), units = in[2].dim(1), states = n * in[0].dim(1) * units;
    const auto memory = [&](int64_t count) { return call.scratch<T>(count, in[0].device()); };
    // A plan has no place for results that nobody reads.
    const auto place = [&](size_t i, int64_t count) {
      return out[i].defined() ? ptr<T>(out[i]) : memory(count);
    };
    run_forward<T>(
        op.cell_clip, in,
        {place(0, states), place(1, n * units), place(2, n * units), memory(4 * states), nullptr},
        call);
  });
}

void run(const op::LstmTrain& op, Inputs in, Out out, Call& call) {
  dispatch_floating(op.name, in[0].dtype(), [&]<class T>() {
    run_forward<T>(op.cell_clip, in,
                   {ptr<T>(out[0]), ptr<T>(out[1]), ptr<T>(out[2]), ptr<T>(out[3]), ptr<T>(out[4])},
                   call);
  });
}

void run(const op::LstmGrad& op, Inputs in, Out out, Call& call) {
  dispatch_floating(op.name, in[0].dtype(),
                    [&]<class T>() { run_backward<T>(op.cell_clip, in, out, call); });
}

}  // namespace tuco::cuda
