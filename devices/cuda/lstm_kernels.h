// What an LSTM does on the device besides its products.
#pragma once
#include <cuda_runtime_api.h>

#include <cstdint>

namespace tuco::cuda {

/// Rows of numbers, one for each sequence, each `stride` numbers behind the last.
template <class T>
struct LstmRows {
  T* data;
  int64_t stride;
};

/// Copies a state (n or 1, units) to (n, units), to all sequences from one.
template <class T>
void copy_state(int64_t n, int64_t units, LstmRows<const T> from, T* to, cudaStream_t stream);

/// One step of `sequences` sequences; the gates' rows are (4, units), all others (units,).
template <class T>
struct LstmStep {
  int64_t sequences, units;
  /// 0: none.
  double cell_clip;
  /// (4, units), added to the sums.
  const T* bias;
  /// Sums, in whose place the activations come.
  LstmRows<T> gates;
  /// The cells after the step may take the place of those before.
  LstmRows<const T> before;
  LstmRows<T> after, hidden;
};
template <class T>
void lstm_step(const LstmStep<T>& step, cudaStream_t stream);

/// The gradient of a step.
template <class T>
struct LstmStepGrad {
  int64_t sequences, units;
  double cell_clip;
  /// What LstmStep left.
  LstmRows<const T> gates, before, after;
  /// The gradient of the hidden state is the sum of what came to the step's output and of what came
  /// from the step behind.
  LstmRows<const T> output, hidden;
  /// The gradient of the cell after the step, in whose place that of the cell before comes.
  LstmRows<T> cell;
  /// Receives the gradient of the sums.
  LstmRows<T> sums;
};
template <class T>
void lstm_step_backward(const LstmStepGrad<T>& step, cudaStream_t stream);

}  // namespace tuco::cuda
