// The steps of an LSTM in float32, a vector of units at a time.
#include "tuco/devices/cpu/highway_targets.h"
#include "tuco/devices/cpu/lstm_kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tuco/devices/cpu/lstm_f32.cpp"
#include <hwy/foreach_target.h>

#include "tuco/devices/cpu/formulas-inl.h"

HWY_BEFORE_NAMESPACE();
namespace tuco::cpu::HWY_NAMESPACE {
namespace {

// Highway's is within a few units in the last place, and knows no NaN.
HWY_INLINE VecF cell_tanh(VecF x) { return hn::IfThenElse(hn::IsNaN(x), x, hn::Tanh(F32(), x)); }
#define TUCO_FORMULA HWY_INLINE
#include "tuco/devices/lstm_formulas.h"
#undef TUCO_FORMULA

HWY_INLINE LstmGates<VecF> load_gates(const float* row, int64_t units, int64_t count) {
  return {load_first(row, count), load_first(row + units, count),
          load_first(row + 2 * units, count), load_first(row + 3 * units, count)};
}
HWY_INLINE void store_gates(const LstmGates<VecF>& gates, float* row, int64_t units,
                            int64_t count) {
  store_first(gates.input, row, count);
  store_first(gates.forget, row + units, count);
  store_first(gates.cell, row + 2 * units, count);
  store_first(gates.output, row + 3 * units, count);
}

}  // namespace

void step_forward(const LstmStep<float>& s) {
  for (int64_t r = 0; r < s.sequences; ++r) {
    float *row = s.gates[r], *after = s.after[r], *hidden = s.hidden[r];
    const float* before = s.before[r];
    for_each_vector(s.units, [&](int64_t u, int64_t count) TUCO_INLINE_LAMBDA {
      const auto gates = activate(load_gates(row + u, s.units, count));
      const VecF cell = next_cell(gates, load_first(before + u, count), s.cell_clip);
      store_gates(gates, row + u, s.units, count);
      store_first(cell, after + u, count);
      store_first(next_hidden(gates, cell), hidden + u, count);
    });
  }
}

void step_backward(const LstmStepGrad<float>& s) {
  for (int64_t r = 0; r < s.sequences; ++r) {
    const float *gates = s.gates[r], *before = s.before[r], *after = s.after[r],
                *output = s.output[r], *hidden = s.hidden[r];
    float *cell = s.cell[r], *sums = s.sums[r];
    for_each_vector(s.units, [&](int64_t u, int64_t count) TUCO_INLINE_LAMBDA {
      const auto g =
          unit_gradient(hn::Add(load_first(output + u, count), load_first(hidden + u, count)),
                        load_first(cell + u, count), load_gates(gates + u, s.units, count),
                        load_first(before + u, count), load_first(after + u, count), s.cell_clip);
      store_gates(g.sums, sums + u, s.units, count);
      store_first(g.before, cell + u, count);
    });
  }
}

}  // namespace tuco::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tuco::cpu {

HWY_EXPORT(step_forward);
HWY_EXPORT(step_backward);

template <>
void lstm_step<float>(const LstmStep<float>& step) {
  TUCO_DISPATCH(step_forward)(step);
}
template <>
void lstm_step_backward<float>(const LstmStepGrad<float>& step) {
  TUCO_DISPATCH(step_backward)(step);
}

}  // namespace tuco::cpu
#endif
