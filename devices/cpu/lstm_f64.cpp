// The steps of an LSTM in float64: the formulas.
#include "tuco/devices/cpu/formulas.h"
#include "tuco/devices/cpu/lstm_kernels.h"

namespace tuco::cpu {
namespace plain {
namespace {

double cell_tanh(double x) { return std::tanh(x); }
#define TUCO_FORMULA inline
#include "tuco/devices/lstm_formulas.h"
#undef TUCO_FORMULA

LstmGates<double> gates_of(const double* row, int64_t units, int64_t unit) {
  row += unit;
  return {row[0], row[units], row[2 * units], row[3 * units]};
}
void set_gates(double* row, int64_t units, int64_t unit, const LstmGates<double>& gates) {
  row += unit;
  row[0] = gates.input, row[units] = gates.forget;
  row[2 * units] = gates.cell, row[3 * units] = gates.output;
}

}  // namespace
}  // namespace plain

template <>
void lstm_step<double>(const LstmStep<double>& s) {
  for (int64_t r = 0; r < s.sequences; ++r)
    for (int64_t u = 0; u < s.units; ++u) {
      const auto gates = plain::activate(plain::gates_of(s.gates[r], s.units, u));
      const double cell = plain::next_cell(gates, s.before[r][u], s.cell_clip);
      plain::set_gates(s.gates[r], s.units, u, gates);
      s.after[r][u] = cell;
      s.hidden[r][u] = plain::next_hidden(gates, cell);
    }
}

template <>
void lstm_step_backward<double>(const LstmStepGrad<double>& s) {
  for (int64_t r = 0; r < s.sequences; ++r)
    for (int64_t u = 0; u < s.units; ++u) {
      const auto g = plain::unit_gradient(s.output[r][u] + s.hidden[r][u], s.cell[r][u],
                                          plain::gates_of(s.gates[r], s.units, u), s.before[r][u],
                                          s.after[r][u], s.cell_clip);
      plain::set_gates(s.sums[r], s.units, u, g.sums);
      s.cell[r][u] = g.before;
    }
}

}  // namespace tuco::cpu
