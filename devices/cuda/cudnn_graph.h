// A small wrapper of cuDNN's graph interface (cudnnBackend*): descriptors that are owned, typed
// setters, and plans chosen by cuDNN's heuristics.
#pragma once
#include <cudnn.h>

#include <array>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace tuco::cuda {

/// A descriptor of the graph interface, owned.
class Descriptor {
 public:
  Descriptor() = default;
  /// Throws CudaError.
  explicit Descriptor(cudnnBackendDescriptorType_t type);
  ~Descriptor();
  Descriptor(Descriptor&& other) noexcept : raw_(std::exchange(other.raw_, nullptr)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(raw_, other.raw_);
    return *this;
  }

  cudnnBackendDescriptor_t raw() const { return raw_; }

  /// Sets an attribute before finalize; each returns the descriptor.
  Descriptor& set(cudnnBackendAttributeName_t name, std::span<const int64_t> values);
  Descriptor& set(cudnnBackendAttributeName_t name, int64_t value);
  Descriptor& set(cudnnBackendAttributeName_t name, double value);
  Descriptor& set(cudnnBackendAttributeName_t name, float value);
  Descriptor& set(cudnnBackendAttributeName_t name, bool value);
  Descriptor& set(cudnnBackendAttributeName_t name, cudnnDataType_t value);
  Descriptor& set(cudnnBackendAttributeName_t name, cudnnConvolutionMode_t value);
  Descriptor& set(cudnnBackendAttributeName_t name, cudnnPointwiseMode_t value);
  Descriptor& set(cudnnBackendAttributeName_t name, cudnnNanPropagation_t value);
  Descriptor& set(cudnnBackendAttributeName_t name, cudnnBackendHeurMode_t value);
  Descriptor& set(cudnnBackendAttributeName_t name, cudnnHandle_t value);
  Descriptor& set(cudnnBackendAttributeName_t name, std::span<void* const> pointers);
  Descriptor& set(cudnnBackendAttributeName_t name, const Descriptor& value);
  Descriptor& set_list(cudnnBackendAttributeName_t name, const std::vector<Descriptor>& values);

  /// Throws CudaError if cuDNN does not take the descriptor.
  void finalize();
  /// False where cuDNN says that it does not support it.
  bool try_finalize();

 private:
  Descriptor& set_raw(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type,
                      int64_t count, const void* values);

  cudnnBackendDescriptor_t raw_ = nullptr;
};

/// A tensor of a graph: NHWC in memory, (n, c, h, w) in cuDNN's order of dimensions. `id` names it
/// when the graph runs; a virtual one is only handed on from one operation to the next.
Descriptor graph_tensor(int64_t id, cudnnDataType_t type, const std::array<int64_t, 4>& nchw,
                        bool is_virtual, int64_t alignment);

/// What a plan may do.
struct PlanLimits {
  size_t workspace_bytes = size_t{256} << 20;
  /// Whether float32 may be rounded to TF32 on the way.
  bool tf32 = false;
};

/// A graph of operations with the engine that runs it.
class ExecutionPlan {
 public:
  /// The first engine that cuDNN's heuristics propose for the operations, supports them, gives the
  /// same result in every run, and keeps within the limits; or nothing.
  static std::optional<ExecutionPlan> find(cudnnHandle_t handle,
                                           const std::vector<Descriptor>& operations,
                                           const PlanLimits& limits);

  size_t workspace_bytes() const { return workspace_bytes_; }
  /// Puts the work into the handle's stream. `ids` and `pointers` name the tensors that are not
  /// virtual.
  void run(cudnnHandle_t handle, std::span<const int64_t> ids, std::span<void* const> pointers,
           void* workspace) const;

 private:
  Descriptor plan_;
  size_t workspace_bytes_ = 0;
};

}  // namespace tuco::cuda
