// Convolutions of float32 by cuDNN: the plan for each is looked for once and kept.
#pragma once
#include <map>

#include "tuco/core/ops/window.h"
#include "tuco/devices/cuda/cudnn_graph.h"
#include "tuco/devices/cuda/epilogue_kernels.h"
#include "tuco/devices/cuda/kernels.h"

namespace tuco::cuda {

enum class Direction { forward, grad_input, grad_weight };

/// One convolution's operands in the order that cuDNN is told them. For the gradients, the result
/// stands where forward has an input.
struct ConvolutionOperands {
  float *images, *weight, *output;
};

/// The plans of one device; used by one thread at a time.
class ConvolutionPlans {
 public:
  explicit ConvolutionPlans(DeviceContext& device) : device_(device) {}

  /// Puts the convolution, with what follows it, into the stream. False, with nothing done, where
  /// cuDNN has no engine for it (paddings that differ, say). The epilogue goes with forward alone.
  bool run(Direction direction, const WindowGeometry& geometry, const ConvolutionOperands& operands,
           const Epilogue<float>& epilogue, Call& call);

 private:
  using Key = std::array<int64_t, 26>;
  const std::optional<ExecutionPlan>& plan(Direction direction, const WindowGeometry& geometry,
                                           const Epilogue<float>& epilogue, int64_t alignment);

  DeviceContext& device_;
  std::map<Key, std::optional<ExecutionPlan>> plans_;
};

}  // namespace tuco::cuda
