// The one door: every function of Tuco's that computes on tensors comes through run_op, which
// checks the inputs, runs the op, records it on the tape, and shows it to a tracer.
#pragma once
#include "tuco/core/backend.h"

namespace tuco {

/// Runs an op. Throws ShapeError, DTypeError or DeviceError, naming the op, if the inputs do not
/// fit.
Outputs run_op(const op::Any& op, Inputs inputs);

/// Runs an op with one output.
inline Tensor run_op1(const op::Any& op, std::initializer_list<Tensor> inputs) {
  return run_op(op, {inputs.begin(), inputs.size()})[0];
}

/// Runs an op that changes `changed` in place, unrecorded, and tells whoever saved them.
void run_in_place(const op::Any& op, Inputs inputs, std::span<Tensor> changed);

/// Shapes and types of the op's outputs for such inputs. Throws as run_op does.
std::vector<TensorMeta> infer_op(const op::Any& op, std::span<const TensorMeta> inputs);

/// Sees the ops that run on this thread while it is installed.
class Tracer {
 public:
  virtual ~Tracer() = default;
  virtual void record(const op::Any& op, Inputs inputs, const Outputs& outputs) = 0;
};

/// Installs a tracer on this thread as long as it lives; null removes it for that time.
class TracerScope {
 public:
  explicit TracerScope(Tracer* tracer);
  ~TracerScope();
  TracerScope(const TracerScope&) = delete;
  TracerScope& operator=(const TracerScope&) = delete;

 private:
  Tracer* before_;
};

/// The tracer of this thread, or null.
Tracer* current_tracer();

}  // namespace tuco
