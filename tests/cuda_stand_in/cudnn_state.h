// The descriptors of cuDNN's graph interface: bags of attributes. For the files of cuDNN's stand-in
// alone.
#pragma once
#include <cudnn.h>

#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "device.h"

struct cudnnContext {
  int device = 0;
  cudaStream_t stream = nullptr;
};

namespace standin::dnn {

using Type = cudnnBackendDescriptorType_t;
using Name = cudnnBackendAttributeName_t;
using std::int64_t;

/// A status with its reason; what cudnnGetLastErrorString gives.
struct Refused {
  cudnnStatus_t status;
  std::string reason;
};
[[noreturn]] void refuse(cudnnStatus_t status, std::string reason);
inline void require(bool ok, const char* reason, cudnnStatus_t status = CUDNN_STATUS_BAD_PARAM) {
  if (!ok) refuse(status, reason);
}

struct Descriptor;
/// What was set for one attribute: values, or copies of finalized descriptors.
struct Value {
  cudnnBackendAttributeType_t type{};
  int64_t count = 0;
  std::vector<char> bytes;
  std::vector<std::shared_ptr<const Descriptor>> parts;
};

struct Descriptor {
  Type type{};
  bool finalized = false;
  std::map<Name, Value> values;

  bool has(Name name) const { return values.contains(name); }
  template <class T>
  std::vector<T> all(Name name) const {
    const auto it = values.find(name);
    if (it == values.end()) return {};
    std::vector<T> out(std::size_t(it->second.count));
    std::memcpy(static_cast<void*>(out.data()), it->second.bytes.data(),
                std::min(it->second.bytes.size(), out.size() * sizeof(T)));
    return out;
  }
  template <class T>
  T get(Name name, T otherwise) const {
    const auto it = values.find(name);
    if (it == values.end() || it->second.count == 0) return otherwise;
    T out{};
    std::memcpy(&out, it->second.bytes.data(), sizeof out);
    return out;
  }
  /// A scalar that may have been set as float or as double.
  double scalar(Name name, double otherwise) const;
  const Descriptor& part(Name name, std::size_t i = 0) const {
    return *values.at(name).parts.at(i);
  }
};

/// The size of one element in cudnnBackendSetAttribute's array.
std::size_t size_of(cudnnBackendAttributeType_t type);
/// The size of one element of a tensor; 0 for a type that the stand-in does not know.
std::size_t size_of(cudnnDataType_t type);

struct Tensor {
  int64_t uid = 0;
  bool is_virtual = false;
  cudnnDataType_t type = CUDNN_DATA_FLOAT;
  std::vector<int64_t> dims, strides;  // batch, channels, then space
  int64_t alignment = 0;

  int64_t count() const;
  /// From the first element to the end of the last one.
  std::size_t bytes() const;
  bool channels_innermost() const { return dims.size() < 2 || dims[1] == 1 || strides[1] == 1; }
};
Tensor tensor_of(const Descriptor& descriptor);

enum class Kind { kForward, kBackwardData, kBackwardFilter, kPointwise };

struct Convolution {
  std::vector<int64_t> pre, post, strides, dilations;
  cudnnDataType_t compute = CUDNN_DATA_FLOAT;
  cudnnConvolutionMode_t mode = CUDNN_CROSS_CORRELATION;
};

struct Pointwise {
  cudnnPointwiseMode_t mode = CUDNN_POINTWISE_IDENTITY;
  double lower = 0, upper = 0, slope = 0, elu = 1, beta = 1;
  bool keeps_nan = false;  // of ReLU; else NaN becomes the lower limit
};

/// One operation: `image`, `filter` and `result` are x, w and y of a convolution, or their
/// gradients; of a point-wise one x, b and y.
struct Operation {
  Kind kind{};
  Tensor image, filter, result;
  bool binary = false;  // of a point-wise one: it has b
  Convolution convolution;
  Pointwise pointwise;
  double alpha = 1, beta = 0;

  const Tensor& output() const {
    return kind == Kind::kBackwardData ? image : kind == Kind::kBackwardFilter ? filter : result;
  }
  std::vector<Tensor> inputs() const;
  int64_t groups() const { return image.dims[1] / filter.dims[1]; }
};
/// Throws Refused where it misses something or the shapes do not fit.
Operation operation_of(const Descriptor& descriptor);

/// The operations of a graph, each after those whose results it takes. Throws Refused where there
/// is no such order, or one result has two operations.
std::vector<Operation> operations_of(const Descriptor& graph);

// ---- engines ------------------------------------------------------------------------------------
/// What the stand-in's engines are; the index is the engine's global index.
enum class Engine : int64_t {
  kTensorCore = 0,       // float inputs lose bits (TF32)
  kPlain = 1,            // float sums
  kWinograd = 2,         // 3 x 3 without strides alone, with a large workspace
  kNondeterministic = 3  // gradients alone; the order of the batch changes from run to run
};
inline constexpr int64_t kEngines = 4;

/// The engines that the heuristics name for a graph, best first.
std::vector<Engine> suggestions(const std::vector<Operation>& graph, cudnnBackendHeurMode_t mode);
std::vector<cudnnBackendNumericalNote_t> notes(Engine engine);
/// Throws Refused where the engine does not have this graph.
void require_supported(const std::vector<Operation>& graph, Engine engine);
/// Never 0.
int64_t workspace(const std::vector<Operation>& graph, Engine engine);

/// Runs the graph on device memory, by tensors' ids.
void run(const std::vector<Operation>& graph, Engine engine,
         const std::map<int64_t, void*>& pointers);

}  // namespace standin::dnn
