// Quantization after training: a float Graph becomes an int8 one in TFLite's arithmetic, which the
// reference interpreter, the exported C and other runtimes compute to the same bytes.
#pragma once
#include <optional>

#include "tuco/deploy/calibrate.h"
#include "tuco/deploy/multiplier.h"

namespace tuco {
class Module;
}

namespace tuco::deploy {

/// An int8 network. Activations are int8 with one scale and zero point each, weights int8 with one
/// scale for each output channel and zero point 0, biases int32; see Graph::Value::quantization.
struct QuantizedModel {
  Graph graph;
  /// The rounding that the model is made for; double is TFLite's reference.
  Rounding rounding = Rounding::kDouble;
};

struct QuantizeOptions {
  Calibration calibration = Calibration::mean_square_error;
  Rounding rounding = Rounding::kDouble;
  /// How pictures become the input, where the graph does not say so itself.
  std::optional<Preprocessing> preprocessing = {};
};

/// Quantizes an optimized float graph (deploy/passes.h) with activations' ranges seen on `samples`
/// (n, ...), which are one sequence of runs to a network with states. Where there is a
/// Preprocessing, the input's integers are pixel - 128. Throws UnsupportedOp naming the op and its
/// place if an op has no int8 form.
QuantizedModel quantize(const Graph& graph, const Tensor& samples,
                        const QuantizeOptions& options = {});

/// Traces a module in evaluation mode on the first sample, optimizes the graph and quantizes it.
QuantizedModel quantize(const Module& net, const Tensor& samples,
                        const QuantizeOptions& options = {});

/// The nearest integers to real values under a single scale and zero point, as int8 or int16.
Tensor quantize_values(const Tensor& real, const Quantization& quantization,
                       DType dtype = DType::int8);
/// The real values that integers (int8, int16 or int32) stand for, as float32.
Tensor dequantize_values(const Tensor& integers, const Quantization& quantization);

}  // namespace tuco::deploy
