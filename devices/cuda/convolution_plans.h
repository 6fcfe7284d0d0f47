// Convolutions by cuDNN: the plan for each is looked for once and kept.
#pragma once
#include <map>

#include "tuco/core/ops/window.h"
#include "tuco/devices/cuda/cudnn_graph.h"
#include "tuco/devices/cuda/epilogue_kernels.h"
#include "tuco/devices/cuda/kernels.h"

namespace tuco::cuda {

enum class Direction { forward, grad_input, grad_weight };

/// One convolution's operands by their places in forward. Of the gradients, the result stands where
/// forward has an input.
template <class T>
struct ConvolutionOperands {
  T *images, *weight, *output;
};

/// The plans of one device; used by one thread at a time.
class ConvolutionPlans {
 public:
  explicit ConvolutionPlans(DeviceContext& device) : device_(device) {}

  /// Puts the convolution into the stream, and what follows it, which goes with forward alone: in
  /// the same pass as far as cuDNN has an engine for that. False, with nothing done, where it has
  /// none for the convolution. T is float or double.
  template <class T>
  bool run(Direction direction, const WindowGeometry& geometry,
           const ConvolutionOperands<T>& operands, const Epilogue<T>& epilogue, Call& call);

 private:
  /// What follows the convolution in its graph: [+ addend] + bias [ReLU].
  struct Fused {
    bool bias = false, addend = false, relu = false;
  };
  using Key = std::array<int64_t, 25>;

  template <class T>
  bool run_graph(Direction direction, const WindowGeometry& geometry,
                 const ConvolutionOperands<T>& operands, const T* bias, const T* addend, bool relu,
                 Call& call);
  const std::optional<ExecutionPlan>& plan(Direction direction, const WindowGeometry& geometry,
                                           Fused fused, cudnnDataType_t type, int64_t alignment);
  /// At least `count` zeros.
  const void* zeros(int64_t count, size_t size, Call& call);

  DeviceContext& device_;
  std::map<Key, std::optional<ExecutionPlan>> plans_;
  /// Each at least twice as large as the last. Older ones stay, for the graphs that read them.
  std::vector<std::unique_ptr<Storage>> zeros_;
};

}  // namespace tuco::cuda
