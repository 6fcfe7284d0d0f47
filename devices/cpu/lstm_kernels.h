// What an LSTM does at one step besides its products: gates, cells and hidden states of some
// sequences, and their gradients.
#pragma once
#include <cstdint>

namespace tuco::cpu {

/// Rows of numbers, each `stride` numbers behind the last.
template <class T>
struct Rows {
  T* data;
  int64_t stride;
  T* operator[](int64_t row) const { return data + row * stride; }
};

/// One step of `sequences` sequences; the gates' rows are (4, units), all others (units,).
template <class T>
struct LstmStep {
  int64_t sequences, units;
  /// 0: none.
  double cell_clip;
  /// Sums, in whose place the activations come.
  Rows<T> gates;
  /// The cells after the step may take the place of those before.
  Rows<const T> before;
  Rows<T> after, hidden;
};
template <class T>
void lstm_step(const LstmStep<T>& step);

/// The gradient of a step.
template <class T>
struct LstmStepGrad {
  int64_t sequences, units;
  double cell_clip;
  /// What LstmStep left.
  Rows<const T> gates, before, after;
  /// The gradient of the hidden state is the sum of what came to the step's output and of what came
  /// from the step behind.
  Rows<const T> output, hidden;
  /// The gradient of the cell after the step, in whose place that of the cell before comes.
  Rows<T> cell;
  /// Receives the gradient of the sums.
  Rows<T> sums;
};
template <class T>
void lstm_step_backward(const LstmStepGrad<T>& step);

}  // namespace tuco::cpu
