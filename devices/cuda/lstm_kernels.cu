#include "tuco/devices/cuda/lstm_kernels.h"

#include "tuco/devices/cuda/formulas.h"
#include "tuco/devices/cuda/launch.h"

namespace tuco::cuda {
namespace {

#define TUCO_FORMULA TUCO_HOST_DEVICE inline
template <class T>
TUCO_FORMULA T cell_tanh(T x) {
  return cuda::tanh(x);
}
#include "tuco/devices/lstm_formulas.h"
#undef TUCO_FORMULA

template <class T>
__device__ LstmGates<T> gates_of(const T* row, int64_t units) {
  return {row[0], row[units], row[2 * units], row[3 * units]};
}
template <class T>
__device__ void set_gates(T* row, int64_t units, const LstmGates<T>& gates) {
  row[0] = gates.input, row[units] = gates.forget;
  row[2 * units] = gates.cell, row[3 * units] = gates.output;
}

template <class T>
struct Step {
  LstmStep<T> s;

  __device__ void operator()(int64_t i) const {
    const int64_t row = i / s.units, u = i % s.units;
    T* at = s.gates.data + row * s.gates.stride + u;
    LstmGates<T> sums = gates_of<T>(at, s.units);
    const LstmGates<T> bias = gates_of(s.bias + u, s.units);
    sums = {sums.input + bias.input, sums.forget + bias.forget, sums.cell + bias.cell,
            sums.output + bias.output};
    const LstmGates<T> gates = activate(sums);
    const T cell = next_cell(gates, s.before.data[row * s.before.stride + u], s.cell_clip);
    set_gates(at, s.units, gates);
    s.after.data[row * s.after.stride + u] = cell;
    s.hidden.data[row * s.hidden.stride + u] = next_hidden(gates, cell);
  }
};

template <class T>
struct StepGrad {
  LstmStepGrad<T> s;

  __device__ void operator()(int64_t i) const {
    const int64_t row = i / s.units, u = i % s.units;
    const auto at = [&](const auto& rows) -> auto& { return rows.data[row * rows.stride + u]; };
    const auto g =
        unit_gradient<T>(at(s.output) + at(s.hidden), at(s.cell), gates_of(&at(s.gates), s.units),
                         at(s.before), at(s.after), s.cell_clip);
    set_gates(&at(s.sums), s.units, g.sums);
    at(s.cell) = g.before;
  }
};

}  // namespace

template <class T>
void copy_state(int64_t n, int64_t units, LstmRows<const T> from, T* to, cudaStream_t stream) {
  parallel_for(n * units, stream, [=] __device__(int64_t i) {
    to[i] = from.data[i / units * from.stride + i % units];
  });
}

template <class T>
void lstm_step(const LstmStep<T>& step, cudaStream_t stream) {
  parallel_for(step.sequences * step.units, stream, Step<T>{step});
}

template <class T>
void lstm_step_backward(const LstmStepGrad<T>& step, cudaStream_t stream) {
  parallel_for(step.sequences * step.units, stream, StepGrad<T>{step});
}

#define TUCO_INSTANTIATE(T)                                                           \
  template void copy_state<T>(int64_t, int64_t, LstmRows<const T>, T*, cudaStream_t); \
  template void lstm_step<T>(const LstmStep<T>&, cudaStream_t);                       \
  template void lstm_step_backward<T>(const LstmStepGrad<T>&, cudaStream_t);
TUCO_INSTANTIATE(float)
TUCO_INSTANTIATE(double)
#undef TUCO_INSTANTIATE

}  // namespace tuco::cuda
