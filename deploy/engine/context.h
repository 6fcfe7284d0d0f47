// Context: the memory of one running Plan, for one thread at a time. Several contexts of one plan
// run side by side and give the same bytes.
#pragma once
#include "tuco/deploy/engine/plan.h"

namespace tuco::deploy {

struct ContextOptions {
  /// The most threads that a run uses; 0 leaves it at the program's (core/parallel.h).
  int threads = 0;
  /// Whether a device that can (a GPU) makes one launch of all steps of a run: from the second run
  /// of a batch size on.
  bool one_launch = true;
};

/// Runs a plan again and again in memory of its own. After the first run of each batch size nothing
/// is allocated; on a GPU, after the second one, which makes one launch of it.
class Context {
 public:
  explicit Context(const Plan& plan, const ContextOptions& options = {});
  ~Context();
  Context(Context&&) noexcept;
  Context& operator=(Context&&) noexcept;

  /// The tensor (batch, ...) to fill before a run, and that to read after one, on the plan's device
  /// (Tensor::copy_ fills it from any). They stay the same, and may share memory with those of
  /// other batch sizes; a run leaves its input as it is. Throws ShapeError unless 0 <= batch <= the
  /// plan's max_batch.
  Tensor input(int64_t batch = 1, int index = 0);
  Tensor output(int64_t batch = 1, int index = 0);
  /// Computes the outputs of a batch from its inputs, and from what the last run left of the
  /// network's states, if it has any. A run of another batch size is a first one. On a GPU it goes
  /// on beside the program until somebody reads an output.
  void run(int64_t batch = 1);
  /// Makes the next run a first one: what the last one left is forgotten.
  void reset();
  /// Computes as above, step by step, and tells the seconds that each took for the whole batch.
  void run(int64_t batch, std::vector<double>& seconds);

  /// The output, in memory of its own, for an input (n, ...) of any n and on any device, run in
  /// parts where it is larger than max_batch. It is where the input is, or on `result`. An int8
  /// plan takes and gives real numbers (float32), through the model's scales, where the input is
  /// not int8. All runs are first ones. Throws ShapeError or DTypeError if the input does not fit,
  /// DeviceError if `result` is not there, and Error if the plan has several inputs or outputs.
  Tensor operator()(const Tensor& input);
  Tensor operator()(const Tensor& input, Device result);

  /// Why runs of this batch are not one launch each on a device that makes them; empty where they
  /// are, may become it at the next run, or nothing is to be said. Throws as input does.
  std::string launch_note(int64_t batch = 1);

  const Plan& plan() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tuco::deploy
