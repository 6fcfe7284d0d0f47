// The long short-term memory (Hochreiter and Schmidhuber, "Long short-term memory", Neural
// Computation 9(8), 1997), with the forget gate of Gers, Schmidhuber and Cummins (2000), over whole
// sequences. For each step, with x and hidden of that step and the gates' rows of the weights in
// the order input, forget, cell, output:
//   sums = weight x + recurrent hidden + bias
//   i, f, o = sigmoid of the sums of the input, forget and output gate, g = tanh of the cell's
//   cell = f * cell + i * g, clamped where the op says so;  hidden = o * tanh(cell)
#pragma once
#include <string_view>

namespace tuco::op {

/// Inputs: x (n, t, c), weight (4u, c), recurrent (4u, u), bias (4u,), and the states before the
/// first step, hidden and cell, each (n, u), or (1, u) for all sequences. Outputs: the hidden
/// states of all steps (n, t, u), and the last hidden and cell (n, u); with no steps, those that
/// came in.
struct Lstm {
  static constexpr std::string_view name = "lstm";
  /// Cells are clamped to [-cell_clip, cell_clip] after each step, before tanh; 0: they are not.
  double cell_clip = 0;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("cell_clip", self.cell_clip);
  }
};

/// Lstm that keeps what its gradient needs. Inputs: as Lstm's. Outputs: as Lstm's, then the gates
/// after their activations (n, t, 4u), and the cells of all steps (n, t, u).
struct LstmTrain {
  static constexpr std::string_view name = "lstm_train";
  double cell_clip = 0;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("cell_clip", self.cell_clip);
  }
};

/// Backpropagation through time, as far as the gates' sums: all other gradients are products with
/// theirs. Inputs: gradients of the three outputs of Lstm, then recurrent, the first cell, the
/// gates and cells of LstmTrain. Outputs: gradients of the sums (n, t, 4u), and of the first hidden
/// and cell, each (n, u), not yet summed over the batch where one state served all.
struct LstmGrad {
  static constexpr std::string_view name = "lstm_grad";
  double cell_clip = 0;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("cell_clip", self.cell_clip);
  }
};

}  // namespace tuco::op
