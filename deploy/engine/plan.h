// Plan: a network compiled for a device once, to be run many times. It holds the fused ops, their
// constants in the form that the kernels like best, and the place of every value in one arena. It
// never changes, and any number of threads may share it, each with a Context (context.h) of its
// own.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tuco/deploy/quantize.h"

namespace tuco {
class File;
}

namespace tuco::deploy {

struct PlanOptions {
  /// The largest batch that contexts take; smaller ones run too. The arena is made for it.
  int64_t max_batch = 1;
  /// Where contexts run it: the constants are there, and each context's memory.
  Device device = Device::cpu();
};

/// One op of a plan, for people and for measuring.
struct PlanStep {
  /// The op, and the module that it comes from, which may be empty.
  std::string op, module;
  /// The output for one image, without the batch.
  Shape output;
  /// Multiply-accumulates for one image, and the bytes of activations and of constants that an
  /// image moves through the op at least.
  int64_t products = 0, activation_bytes = 0, constant_bytes = 0;
};

struct PlanData;  // plan_data.h

/// A handle: copies share the plan.
class Plan {
 public:
  /// Compiles a float graph, which is optimized first (deploy/passes.h) and may hold constants of
  /// any device. Throws UnsupportedOp for an op that brings its own code, ShapeError or DTypeError
  /// where an op does not fit, DeviceError where the options' device is not there, and
  /// std::bad_alloc where its memory does not hold the constants.
  static Plan compile(const Graph& graph, const PlanOptions& options = {});
  /// Compiles an int8 model; it gives the bytes of the reference interpreter.
  static Plan compile(const QuantizedModel& model, const PlanOptions& options = {});
  /// Traces a module in evaluation mode on the example (deploy/trace.h), and compiles the graph.
  static Plan compile(const Module& net, const Tensor& example, const PlanOptions& options = {});

  /// Shape for a batch of one, type and device of what comes in and goes out.
  std::vector<TensorMeta> inputs() const;
  std::vector<TensorMeta> outputs() const;
  /// How the integers of an int8 model are meant; nothing for a float one.
  std::optional<Quantization> input_quantization(int index = 0) const;
  std::optional<Quantization> output_quantization(int index = 0) const;
  const std::optional<Preprocessing>& preprocessing() const;
  bool is_quantized() const;
  int64_t max_batch() const;
  Device device() const;
  /// Bytes that each Context allocates, the least that any memory plan could do with, and those of
  /// all constants.
  int64_t arena_bytes() const;
  int64_t arena_lower_bound() const;
  int64_t constant_bytes() const;
  std::vector<PlanStep> steps() const;
  /// Why a plan from a file was compiled anew, or empty (plan_file.h).
  const std::string& note() const;
  /// A line for each op.
  std::string to_string() const;

  const PlanData& data() const { return *data_; }

 private:
  explicit Plan(std::shared_ptr<const PlanData> data) : data_(std::move(data)) {}
  friend struct PlanBuilder;
  std::shared_ptr<const PlanData> data_;
};

}  // namespace tuco::deploy
