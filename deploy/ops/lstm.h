// The layer of long short-term memory in int8: gates and cells of int16, in the arithmetic of
// TFLite's integer kernel (deploy/runtime/lstm.h).
#pragma once
#include "tuco/deploy/memory_plan.h"
#include "tuco/deploy/rules.h"

namespace tuco::deploy {

/// The inputs and outputs of op::Lstm by number.
enum LstmInput { kLstmX, kLstmWeight, kLstmRecurrent, kLstmBias, kLstmHidden, kLstmCell };
enum LstmOutput { kLstmY, kLstmLastHidden, kLstmLastCell };
constexpr int kLstmGates = 4;

/// Whether the node is a layer of which the state is one of its two.
bool owns_state(const Graph::Node& node, const Graph::State& state);

/// The scale of cells that cover a range: a power of two.
Quantization lstm_cell_quantization(const Range& range);

/// Throws FormatError or UnsupportedOp unless the kernels compute the node: types, scales that are
/// tied to each other, sums that fit 32 bits.
void check_lstm(const op::Lstm& op, const QuantizedNode& node);

/// What the kernel needs of memory.
NodeMemory lstm_memory(const QuantizedNode& node);

}  // namespace tuco::deploy
