#include "tuco/devices/cuda/cudnn_graph.h"

#include <algorithm>
#include <utility>

#include "tuco/core/error.h"
#include "tuco/devices/cuda/libraries.h"

namespace tuco::cuda {
namespace {

/// The configurations that cuDNN proposes in one mode, best first; none where it cannot say.
std::vector<Descriptor> propose(const Descriptor& graph, cudnnBackendHeurMode_t mode) {
  Descriptor heuristics(CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR);
  heuristics.set(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, graph)
      .set(CUDNN_ATTR_ENGINEHEUR_MODE, mode);
  if (!heuristics.try_finalize()) return {};
  int64_t count = 0;
  if (cudnn().cudnnBackendGetAttribute(heuristics.raw(), CUDNN_ATTR_ENGINEHEUR_RESULTS,
                                       CUDNN_TYPE_BACKEND_DESCRIPTOR, 0, &count,
                                       nullptr) != CUDNN_STATUS_SUCCESS)
    return {};
  std::vector<Descriptor> configurations;
  std::vector<cudnnBackendDescriptor_t> raw;
  for (int64_t i = 0; i < count; ++i) {
    configurations.emplace_back(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR);
    raw.push_back(configurations.back().raw());
  }
  int64_t got = 0;
  check(cudnn().cudnnBackendGetAttribute(heuristics.raw(), CUDNN_ATTR_ENGINEHEUR_RESULTS,
                                         CUDNN_TYPE_BACKEND_DESCRIPTOR, count, &got, raw.data()),
        "cudnnBackendGetAttribute of the heuristics");
  configurations.resize(std::min(got, count));
  return configurations;
}

/// Whether the engine of a configuration computes as the limits allow, the same in every run.
bool is_allowed(const Descriptor& configuration, const PlanLimits& limits) {
  const Descriptor engine(CUDNN_BACKEND_ENGINE_DESCRIPTOR);
  cudnnBackendDescriptor_t raw = engine.raw();
  int64_t count = 0;
  check(cudnn().cudnnBackendGetAttribute(configuration.raw(), CUDNN_ATTR_ENGINECFG_ENGINE,
                                         CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &count, &raw),
        "cudnnBackendGetAttribute of a configuration");
  std::array<cudnnBackendNumericalNote_t, CUDNN_NUMERICAL_NOTE_TYPE_COUNT> notes{};
  check(cudnn().cudnnBackendGetAttribute(raw, CUDNN_ATTR_ENGINE_NUMERICAL_NOTE,
                                         CUDNN_TYPE_NUMERICAL_NOTE,
                                         static_cast<int64_t>(notes.size()), &count, notes.data()),
        "cudnnBackendGetAttribute of an engine");
  const auto last = notes.begin() + std::min<int64_t>(count, static_cast<int64_t>(notes.size()));
  return std::all_of(notes.begin(), last, [&](cudnnBackendNumericalNote_t note) {
    switch (note) {
      case CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC:
      case CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS:
      case CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION:
        return false;
      case CUDNN_NUMERICAL_NOTE_TENSOR_CORE:
        return limits.tf32;
      default:
        return true;
    }
  });
}

}  // namespace

Descriptor::Descriptor(cudnnBackendDescriptorType_t type) {
  check(cudnn().cudnnBackendCreateDescriptor(type, &raw_), "cudnnBackendCreateDescriptor");
}
Descriptor::~Descriptor() {
  if (raw_) cudnn().cudnnBackendDestroyDescriptor(raw_);
}

Descriptor& Descriptor::set_raw(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type,
                                int64_t count, const void* values) {
  check(cudnn().cudnnBackendSetAttribute(raw_, name, type, count, values),
        "cudnnBackendSetAttribute");
  return *this;
}

Descriptor& Descriptor::set(cudnnBackendAttributeName_t name, std::span<const int64_t> values) {
  return set_raw(name, CUDNN_TYPE_INT64, static_cast<int64_t>(values.size()), values.data());
}
Descriptor& Descriptor::set(cudnnBackendAttributeName_t name, int64_t value) {
  return set_raw(name, CUDNN_TYPE_INT64, 1, &value);
}
Descriptor& Descriptor::set(cudnnBackendAttributeName_t name, double value) {
  return set_raw(name, CUDNN_TYPE_DOUBLE, 1, &value);
}
Descriptor& Descriptor::set(cudnnBackendAttributeName_t name, float value) {
  return set_raw(name, CUDNN_TYPE_FLOAT, 1, &value);
}
Descriptor& Descriptor::set(cudnnBackendAttributeName_t name, bool value) {
  return set_raw(name, CUDNN_TYPE_BOOLEAN, 1, &value);
}
Descriptor& Descriptor::set(cudnnBackendAttributeName_t name, cudnnDataType_t value) {
  return set_raw(name, CUDNN_TYPE_DATA_TYPE, 1, &value);
}
Descriptor& Descriptor::set(cudnnBackendAttributeName_t name, cudnnConvolutionMode_t value) {
  return set_raw(name, CUDNN_TYPE_CONVOLUTION_MODE, 1, &value);
}
Descriptor& Descriptor::set(cudnnBackendAttributeName_t name, cudnnPointwiseMode_t value) {
  return set_raw(name, CUDNN_TYPE_POINTWISE_MODE, 1, &value);
}
Descriptor& Descriptor::set(cudnnBackendAttributeName_t name, cudnnNanPropagation_t value) {
  return set_raw(name, CUDNN_TYPE_NAN_PROPOGATION, 1, &value);
}
Descriptor& Descriptor::set(cudnnBackendAttributeName_t name, cudnnBackendHeurMode_t value) {
  return set_raw(name, CUDNN_TYPE_HEUR_MODE, 1, &value);
}
Descriptor& Descriptor::set(cudnnBackendAttributeName_t name, cudnnHandle_t value) {
  return set_raw(name, CUDNN_TYPE_HANDLE, 1, &value);
}
Descriptor& Descriptor::set(cudnnBackendAttributeName_t name, std::span<void* const> pointers) {
  return set_raw(name, CUDNN_TYPE_VOID_PTR, static_cast<int64_t>(pointers.size()), pointers.data());
}
Descriptor& Descriptor::set(cudnnBackendAttributeName_t name, const Descriptor& value) {
  return set_raw(name, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &value.raw_);
}
Descriptor& Descriptor::set_list(cudnnBackendAttributeName_t name,
                                 const std::vector<Descriptor>& values) {
  std::vector<cudnnBackendDescriptor_t> raw;
  for (const Descriptor& value : values) raw.push_back(value.raw_);
  return set_raw(name, CUDNN_TYPE_BACKEND_DESCRIPTOR, static_cast<int64_t>(raw.size()), raw.data());
}

void Descriptor::finalize() { check(cudnn().cudnnBackendFinalize(raw_), "cudnnBackendFinalize"); }

bool Descriptor::try_finalize() {
  const cudnnStatus_t status = cudnn().cudnnBackendFinalize(raw_);
  // All kinds of "not supported" lie in one range of a thousand.
  if (status / 1000 == CUDNN_STATUS_NOT_SUPPORTED / 1000) return false;
  check(status, "cudnnBackendFinalize");
  return true;
}

Descriptor graph_tensor(int64_t id, cudnnDataType_t type, const std::array<int64_t, 4>& nchw,
                        bool is_virtual, int64_t alignment) {
  const auto [n, c, h, w] = nchw;
  const std::array<int64_t, 4> strides = {h * w * c, 1, w * c, c};
  (void)n;
  Descriptor tensor(CUDNN_BACKEND_TENSOR_DESCRIPTOR);
  tensor.set(CUDNN_ATTR_TENSOR_DATA_TYPE, type)
      .set(CUDNN_ATTR_TENSOR_DIMENSIONS, nchw)
      .set(CUDNN_ATTR_TENSOR_STRIDES, strides)
      .set(CUDNN_ATTR_TENSOR_UNIQUE_ID, id)
      .set(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, alignment)
      .set(CUDNN_ATTR_TENSOR_IS_VIRTUAL, is_virtual)
      .finalize();
  return tensor;
}

std::optional<ExecutionPlan> ExecutionPlan::find(cudnnHandle_t handle,
                                                 const std::vector<Descriptor>& operations,
                                                 const PlanLimits& limits) {
  Descriptor graph(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);
  graph.set(CUDNN_ATTR_OPERATIONGRAPH_HANDLE, handle)
      .set_list(CUDNN_ATTR_OPERATIONGRAPH_OPS, operations);
  if (!graph.try_finalize()) return {};
  for (const cudnnBackendHeurMode_t mode : {CUDNN_HEUR_MODE_A, CUDNN_HEUR_MODE_FALLBACK})
    for (const Descriptor& configuration : propose(graph, mode)) {
      if (!is_allowed(configuration, limits)) continue;
      ExecutionPlan found;
      found.plan_ = Descriptor(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);
      found.plan_.set(CUDNN_ATTR_EXECUTION_PLAN_HANDLE, handle)
          .set(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, configuration);
      if (!found.plan_.try_finalize()) continue;
      int64_t bytes = 0, count = 0;
      check(cudnn().cudnnBackendGetAttribute(found.plan_.raw(),
                                             CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE,
                                             CUDNN_TYPE_INT64, 1, &count, &bytes),
            "cudnnBackendGetAttribute of a plan");
      found.workspace_bytes_ = static_cast<size_t>(bytes);
      if (found.workspace_bytes_ <= limits.workspace_bytes) return found;
    }
  return {};
}

void ExecutionPlan::run(cudnnHandle_t handle, std::span<const int64_t> ids,
                        std::span<void* const> pointers, void* workspace) const {
  Descriptor operands(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR);
  operands.set(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, ids)
      .set(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, pointers)
      .set(CUDNN_ATTR_VARIANT_PACK_WORKSPACE, std::span<void* const>(&workspace, 1))
      .finalize();
  check(cudnn().cudnnBackendExecute(handle, plan_.raw(), operands.raw()), "cudnnBackendExecute");
}

}  // namespace tuco::cuda
