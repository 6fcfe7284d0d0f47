// The reference interpreter of quantized models: naive loops in C++, the oracle for everything that
// is faster or smaller.
#pragma once
#include <functional>

#include "tuco/deploy/quantize.h"

namespace tuco::deploy {

/// The model's int8 output for an int8 input (batch, ...). `observer`, if given, sees every
/// computed value and its number. `states` are those of run_graph (deploy/run_graph.h). Throws
/// ShapeError or DTypeError if the input does not fit.
Tensor interpret(const QuantizedModel& model, const Tensor& input,
                 const std::function<void(int value, const Tensor& tensor)>& observer = {},
                 std::vector<Tensor>* states = nullptr);

/// As above from a float32 input to float32 outputs, through the model's own scales.
Tensor interpret_real(const QuantizedModel& model, const Tensor& input);

}  // namespace tuco::deploy
