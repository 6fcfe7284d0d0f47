// The formulas of one unit of an LSTM at one step (core/ops/lstm.h) and, beside them, their
// gradient. There is no include guard: like core/pointwise_formulas.h, whose formulas must be
// there, the file is included once in each namespace that computes, with TUCO_FORMULA defined and
//   cell_tanh(x)   tanh at the speed that the inner loop wants
// declared for its value types V.

/// A number for each gate: sums, activations, or gradients of either.
template <class V>
struct LstmGates {
  V input, forget, cell, output;
};

template <class V>
TUCO_FORMULA LstmGates<V> activate(const LstmGates<V>& sums) {
  constexpr op::Sigmoid sigmoid;
  return {forward(sigmoid, sums.input), forward(sigmoid, sums.forget), cell_tanh(sums.cell),
          forward(sigmoid, sums.output)};
}

/// The unit's cell after the step; a clip of 0 is none.
template <class V>
TUCO_FORMULA V next_cell(const LstmGates<V>& gates, V before, double clip) {
  const V cell = gates.forget * before + gates.input * gates.cell;
  return clip > 0 ? forward(op::Clamp{-clip, clip}, cell) : cell;
}

/// The unit's hidden state after the step.
template <class V>
TUCO_FORMULA V next_hidden(const LstmGates<V>& gates, V cell) {
  return gates.output * cell_tanh(cell);
}

/// Gradients of the gates' sums and of the cell before the step.
template <class V>
struct LstmUnitGrad {
  LstmGates<V> sums;
  V before;
};

/// From the gradients of the hidden state and of the cell after the step, where the cell's does not
/// hold yet what comes through the hidden state.
template <class V>
TUCO_FORMULA LstmUnitGrad<V> unit_gradient(V hidden, V cell_after, const LstmGates<V>& gates,
                                           V before, V after, double clip) {
  constexpr op::Sigmoid sigmoid;
  constexpr op::Tanh tangent;
  const V squashed = cell_tanh(after);
  V cell = cell_after + grad(tangent, hidden * gates.output, squashed);
  if (clip > 0) cell = grad(op::Clamp{-clip, clip}, cell, after);
  return {
      {grad(sigmoid, cell * gates.cell, gates.input), grad(sigmoid, cell * before, gates.forget),
       grad(tangent, cell * gates.input, gates.cell),
       grad(sigmoid, hidden * squashed, gates.output)},
      cell * gates.forget};
}
