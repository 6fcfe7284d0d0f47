// The stand-in of cuDNN: handles, texts, and the functions of the graph interface on descriptors.
#include <algorithm>
#include <set>

#include "cudnn_state.h"
#include "faults.h"

namespace standin::dnn {

namespace {

thread_local std::string last_reason;

std::set<cudnnHandle_t>& handles() {
  static auto& alive = *new std::set<cudnnHandle_t>;
  return alive;
}
std::set<const void*>& descriptors() {
  static auto& alive = *new std::set<const void*>;
  return alive;
}

// The frame of each function.
template <class Body>
cudnnStatus_t call(const char* function, Body body) {
  const Call entry(function);
  if (entry.planned()) {
    last_reason = std::string(function) + ": planned by the test";
    return static_cast<cudnnStatus_t>(entry.planned());
  }
  try {
    body();
    return CUDNN_STATUS_SUCCESS;
  } catch (const Refused& r) {
    last_reason = std::string(function) + ": " + r.reason;
    return r.status;
  }
}

Descriptor& live_descriptor(cudnnBackendDescriptor_t d) {
  require(d != nullptr, "the descriptor is null", CUDNN_STATUS_BAD_PARAM_NULL_POINTER);
  if (!descriptors().contains(d)) mistake("cuDNN: a descriptor that is not alive");
  return *static_cast<Descriptor*>(d);
}
cudnnContext& live_handle(cudnnHandle_t h) {
  if (!handles().contains(h)) refuse(CUDNN_STATUS_NOT_INITIALIZED, "the handle is not alive");
  return *h;
}

// ---- the attributes that a descriptor of each type has
// --------------------------------------------
struct Attribute {
  Name name;
  cudnnBackendAttributeType_t type;
  int64_t most = 1;
  bool required = true;
};
constexpr auto kInt = CUDNN_TYPE_INT64;
constexpr auto kPart = CUDNN_TYPE_BACKEND_DESCRIPTOR;
constexpr auto kReal = CUDNN_TYPE_DOUBLE;  // or float
constexpr auto kMany = int64_t{1} << 16;

const std::vector<Attribute>& attributes(Type type) {
  static const std::map<Type, std::vector<Attribute>> table{
      {CUDNN_BACKEND_TENSOR_DESCRIPTOR,
       {{CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_TYPE_DATA_TYPE, 1, false},
        {CUDNN_ATTR_TENSOR_DIMENSIONS, kInt, CUDNN_DIM_MAX},
        {CUDNN_ATTR_TENSOR_STRIDES, kInt, CUDNN_DIM_MAX},
        {CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, kInt},
        {CUDNN_ATTR_TENSOR_UNIQUE_ID, kInt, 1, false},
        {CUDNN_ATTR_TENSOR_IS_VIRTUAL, CUDNN_TYPE_BOOLEAN, 1, false}}},
      {CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR,
       {{CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, kInt},
        {CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_TYPE_DATA_TYPE},
        {CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_TYPE_CONVOLUTION_MODE},
        {CUDNN_ATTR_CONVOLUTION_DILATIONS, kInt, 3},
        {CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, kInt, 3},
        {CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, kInt, 3},
        {CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, kInt, 3}}},
      {CUDNN_BACKEND_POINTWISE_DESCRIPTOR,
       {{CUDNN_ATTR_POINTWISE_MODE, CUDNN_TYPE_POINTWISE_MODE},
        {CUDNN_ATTR_POINTWISE_MATH_PREC, CUDNN_TYPE_DATA_TYPE, 1, false},
        {CUDNN_ATTR_POINTWISE_NAN_PROPAGATION, CUDNN_TYPE_NAN_PROPOGATION, 1, false},
        {CUDNN_ATTR_POINTWISE_RELU_LOWER_CLIP, kReal, 1, false},
        {CUDNN_ATTR_POINTWISE_RELU_UPPER_CLIP, kReal, 1, false},
        {CUDNN_ATTR_POINTWISE_RELU_LOWER_CLIP_SLOPE, kReal, 1, false},
        {CUDNN_ATTR_POINTWISE_ELU_ALPHA, kReal, 1, false},
        {CUDNN_ATTR_POINTWISE_SWISH_BETA, kReal, 1, false}}},
      {CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR,
       {{CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC, kPart},
        {CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X, kPart},
        {CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W, kPart},
        {CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y, kPart},
        {CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA, kReal, 1, false},
        {CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA, kReal, 1, false}}},
      {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR,
       {{CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC, kPart},
        {CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX, kPart},
        {CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W, kPart},
        {CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY, kPart},
        {CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA, kReal, 1, false},
        {CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA, kReal, 1, false}}},
      {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR,
       {{CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC, kPart},
        {CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X, kPart},
        {CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW, kPart},
        {CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY, kPart},
        {CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA, kReal, 1, false},
        {CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA, kReal, 1, false}}},
      {CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR,
       {{CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, kPart},
        {CUDNN_ATTR_OPERATION_POINTWISE_XDESC, kPart},
        {CUDNN_ATTR_OPERATION_POINTWISE_BDESC, kPart, 1, false},
        {CUDNN_ATTR_OPERATION_POINTWISE_YDESC, kPart},
        {CUDNN_ATTR_OPERATION_POINTWISE_ALPHA1, kReal, 1, false},
        {CUDNN_ATTR_OPERATION_POINTWISE_ALPHA2, kReal, 1, false}}},
      {CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR,
       {{CUDNN_ATTR_OPERATIONGRAPH_OPS, kPart, kMany},
        {CUDNN_ATTR_OPERATIONGRAPH_HANDLE, CUDNN_TYPE_HANDLE, 1, false}}},
      {CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR,
       {{CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, kPart},
        {CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE}}},
      {CUDNN_BACKEND_ENGINE_DESCRIPTOR,
       {{CUDNN_ATTR_ENGINE_OPERATION_GRAPH, kPart}, {CUDNN_ATTR_ENGINE_GLOBAL_INDEX, kInt}}},
      {CUDNN_BACKEND_ENGINECFG_DESCRIPTOR, {{CUDNN_ATTR_ENGINECFG_ENGINE, kPart}}},
      {CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR,
       {{CUDNN_ATTR_EXECUTION_PLAN_HANDLE, CUDNN_TYPE_HANDLE, 1, false},
        {CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, kPart}}},
      {CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR,
       {{CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, kInt, kMany},
        {CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR, kMany},
        {CUDNN_ATTR_VARIANT_PACK_WORKSPACE, CUDNN_TYPE_VOID_PTR, 1, false}}}};
  const auto it = table.find(type);
  if (it == table.end())
    refuse(CUDNN_STATUS_NOT_SUPPORTED,
           "the stand-in has no descriptors of type " + std::to_string(int(type)));
  return it->second;
}

bool same_type(cudnnBackendAttributeType_t want, cudnnBackendAttributeType_t given) {
  return want == given || (want == kReal && given == CUDNN_TYPE_FLOAT);
}

// Engine, configuration and plan are all about one graph.
const Descriptor& graph_of(const Descriptor& d) {
  switch (d.type) {
    case CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR:
      return d.part(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH);
    case CUDNN_BACKEND_ENGINE_DESCRIPTOR:
      return d.part(CUDNN_ATTR_ENGINE_OPERATION_GRAPH);
    case CUDNN_BACKEND_ENGINECFG_DESCRIPTOR:
      return graph_of(d.part(CUDNN_ATTR_ENGINECFG_ENGINE));
    case CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR:
      return graph_of(d.part(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG));
    default:
      return d;
  }
}
Engine engine_of(const Descriptor& d) {
  if (d.type == CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR)
    return engine_of(d.part(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG));
  if (d.type == CUDNN_BACKEND_ENGINECFG_DESCRIPTOR)
    return engine_of(d.part(CUDNN_ATTR_ENGINECFG_ENGINE));
  return static_cast<Engine>(d.get<int64_t>(CUDNN_ATTR_ENGINE_GLOBAL_INDEX, 0));
}

Value part(const Descriptor& d) { return {kPart, 1, {}, {std::make_shared<const Descriptor>(d)}}; }

Descriptor configuration(const Descriptor& graph, Engine engine) {
  Descriptor e{CUDNN_BACKEND_ENGINE_DESCRIPTOR, true, {}};
  e.values[CUDNN_ATTR_ENGINE_OPERATION_GRAPH] = part(graph);
  Value index{kInt, 1, std::vector<char>(sizeof engine), {}};
  std::memcpy(index.bytes.data(), &engine, sizeof engine);
  e.values[CUDNN_ATTR_ENGINE_GLOBAL_INDEX] = std::move(index);
  Descriptor config{CUDNN_BACKEND_ENGINECFG_DESCRIPTOR, true, {}};
  config.values[CUDNN_ATTR_ENGINECFG_ENGINE] = part(e);
  return config;
}

void finalize_tensor(const Descriptor& d) {
  const Tensor t = tensor_of(d);
  require(t.dims.size() == t.strides.size(), "as many strides as dimensions are wanted");
  for (const int64_t n : t.dims) require(n > 0, "a dimension is not positive");
  for (const int64_t n : t.strides) require(n >= 0, "a stride is negative");
  require(size_of(t.type) != 0, "the stand-in does not know the data type",
          CUDNN_STATUS_NOT_SUPPORTED_DATA_TYPE);
  require(t.alignment > 0 && t.alignment % int64_t(size_of(t.type)) == 0,
          "the alignment is no multiple of the element's size");
}

void finalize_convolution(const Descriptor& d) {
  const auto dims = std::size_t(d.get<int64_t>(CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, 0));
  for (const Name name :
       {CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, CUDNN_ATTR_CONVOLUTION_POST_PADDINGS,
        CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, CUDNN_ATTR_CONVOLUTION_DILATIONS}) {
    const bool padding =
        name == CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS || name == CUDNN_ATTR_CONVOLUTION_POST_PADDINGS;
    const auto values = d.all<int64_t>(name);
    require(values.size() == dims,
            "paddings, strides or dilations are not as many as the dimensions");
    for (const int64_t v : values)
      require(v >= (padding ? 0 : 1),
              "a padding is negative, or a stride or dilation not positive");
  }
}

void finalize_pack(const Descriptor& d) {
  auto ids = d.all<int64_t>(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS);
  require(ids.size() == d.all<void*>(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS).size(),
          "as many pointers as ids are wanted");
  std::sort(ids.begin(), ids.end());
  require(std::adjacent_find(ids.begin(), ids.end()) == ids.end(), "an id comes twice",
          CUDNN_STATUS_BAD_PARAM_DUPLICATED_ENTRIES);
}

void finalize_plan(const Descriptor& d) {
  const auto operations = operations_of(graph_of(d));
  const Engine engine = engine_of(d);
  const Refusals& r = refusals();
  const Descriptor& graph = graph_of(d);
  const bool meant =
      r.operation < 0 || r.operation == int(graph.part(CUDNN_ATTR_OPERATIONGRAPH_OPS).type);
  if (meant) {
    if (r.everything) refuse(CUDNN_STATUS_NOT_SUPPORTED, "the test has cuDNN refuse everything");
    if (r.fusion && operations.size() > 1)
      refuse(CUDNN_STATUS_NOT_SUPPORTED_GRAPH_PATTERN, "the test has cuDNN refuse fusion");
    const auto order = suggestions(operations, CUDNN_HEUR_MODE_A);
    const auto at = std::find(order.begin(), order.end(), engine) - order.begin();
    if (at < r.engines) refuse(CUDNN_STATUS_NOT_SUPPORTED, "the test has cuDNN refuse this engine");
  }
  require_supported(operations, engine);
}

void finalize(Descriptor& d) {
  require(!d.finalized, "the descriptor is finalized already");
  for (const Attribute& a : attributes(d.type))
    if (a.required && !d.has(a.name))
      refuse(CUDNN_STATUS_BAD_PARAM,
             "the attribute " + std::to_string(int(a.name)) + " is not set");
  switch (d.type) {
    case CUDNN_BACKEND_TENSOR_DESCRIPTOR:
      finalize_tensor(d);
      break;
    case CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR:
      finalize_convolution(d);
      break;
    case CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR:
    case CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR:
    case CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR:
    case CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR:
      operation_of(d);
      break;
    case CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR:
      operations_of(d);
      break;
    case CUDNN_BACKEND_ENGINE_DESCRIPTOR: {
      const auto index = d.get<int64_t>(CUDNN_ATTR_ENGINE_GLOBAL_INDEX, 0);
      require(index >= 0 && index < kEngines, "there is no engine of this index");
      break;
    }
    case CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR:
      finalize_plan(d);
      break;
    case CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR:
      finalize_pack(d);
      break;
    default:
      break;
  }
  d.finalized = true;
}

void set(Descriptor& d, Name name, cudnnBackendAttributeType_t type, int64_t count,
         const void* from) {
  require(!d.finalized, "the descriptor is finalized already");
  require(from != nullptr && count >= 0, "there are no values");
  for (const Attribute& a : attributes(d.type)) {
    if (a.name != name) continue;
    require(same_type(a.type, type), "the attribute has another type",
            CUDNN_STATUS_BAD_PARAM_ATTRIBUTE_TYPE);
    require(count <= a.most, "there are too many values");
    Value v{type, count, {}, {}};
    if (type == kPart) {
      for (int64_t i = 0; i < count; ++i) {
        const Descriptor& p = live_descriptor(static_cast<void* const*>(from)[i]);
        require(p.finalized, "a descriptor in it is not finalized",
                CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED);
        v.parts.push_back(std::make_shared<const Descriptor>(p));
      }
    } else {
      v.bytes.assign(static_cast<const char*>(from),
                     static_cast<const char*>(from) + std::size_t(count) * size_of(type));
    }
    d.values[name] = std::move(v);
    return;
  }
  refuse(CUDNN_STATUS_BAD_PARAM,
         "a descriptor of this type has no attribute " + std::to_string(int(name)));
}

// ---- reading ------------------------------------------------------------------------------------
template <class T>
void give(const std::vector<T>& values, int64_t wanted, int64_t* got, void* out) {
  if (got) *got = out ? std::min(wanted, int64_t(values.size())) : int64_t(values.size());
  if (out && wanted > 0)
    std::copy_n(values.data(), std::min(wanted, int64_t(values.size())), static_cast<T*>(out));
}

void give_descriptors(const std::vector<Descriptor>& values, int64_t wanted, int64_t* got,
                      void* out) {
  if (got) *got = out ? std::min(wanted, int64_t(values.size())) : int64_t(values.size());
  for (int64_t i = 0; out && i < std::min(wanted, int64_t(values.size())); ++i) {
    Descriptor& to = live_descriptor(static_cast<void**>(out)[i]);
    require(to.type == values[std::size_t(i)].type, "a descriptor to fill has another type",
            CUDNN_STATUS_BAD_PARAM_DESCRIPTOR_TYPE);
    to = values[std::size_t(i)];
  }
}

void get(const Descriptor& d, Name name, cudnnBackendAttributeType_t type, int64_t wanted,
         int64_t* got, void* out) {
  require(d.finalized, "the descriptor is not finalized", CUDNN_STATUS_NOT_INITIALIZED);
  switch (name) {
    case CUDNN_ATTR_OPERATIONGRAPH_ENGINE_GLOBAL_COUNT:
      return give(std::vector<int64_t>{kEngines}, wanted, got, out);
    case CUDNN_ATTR_ENGINEHEUR_RESULTS: {
      const Descriptor& graph = graph_of(d);
      std::vector<Descriptor> configs;
      const auto mode = d.get(CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_HEUR_MODE_A);
      for (const Engine e : suggestions(operations_of(graph), mode))
        configs.push_back(configuration(graph, e));
      return give_descriptors(configs, wanted, got, out);
    }
    case CUDNN_ATTR_ENGINE_NUMERICAL_NOTE:
      return give(notes(engine_of(d)), wanted, got, out);
    case CUDNN_ATTR_ENGINE_BEHAVIOR_NOTE:
      return give(std::vector<cudnnBackendBehaviorNote_t>{}, wanted, got, out);
    case CUDNN_ATTR_ENGINECFG_WORKSPACE_SIZE:
    case CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE:
      return give(std::vector<int64_t>{workspace(operations_of(graph_of(d)), engine_of(d))}, wanted,
                  got, out);
    default:
      break;
  }
  const auto it = d.values.find(name);
  if (it == d.values.end()) {
    const auto& known = attributes(d.type);
    if (std::none_of(known.begin(), known.end(), [&](auto& a) { return a.name == name; }))
      refuse(CUDNN_STATUS_NOT_SUPPORTED,
             "the stand-in does not know the attribute " + std::to_string(int(name)));
    if (got) *got = 0;
    return;
  }
  require(it->second.type == type, "the attribute has another type",
          CUDNN_STATUS_BAD_PARAM_ATTRIBUTE_TYPE);
  if (type == kPart) {
    std::vector<Descriptor> parts;
    for (const auto& p : it->second.parts) parts.push_back(*p);
    return give_descriptors(parts, wanted, got, out);
  }
  const int64_t given = std::min(wanted, it->second.count);
  if (got) *got = out ? given : it->second.count;
  if (out && given > 0)
    std::memcpy(out, it->second.bytes.data(), std::size_t(given) * size_of(type));
}

void execute(cudnnContext& h, const Descriptor& plan, const Descriptor& pack) {
  require(plan.type == CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR &&
              pack.type == CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR,
          "a plan and a variant pack are wanted", CUDNN_STATUS_BAD_PARAM_DESCRIPTOR_TYPE);
  require(plan.finalized && pack.finalized, "the plan or the variant pack is not finalized",
          CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED);
  if (current_device() != h.device)
    mistake("cuDNN: the handle was made for device " + std::to_string(h.device) +
            ", the current device is " + std::to_string(current_device()));
  const auto operations = operations_of(graph_of(plan));
  const Engine engine = engine_of(plan);
  const auto ids = pack.all<int64_t>(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS);
  const auto pointers = pack.all<void*>(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS);
  std::map<int64_t, void*> at;
  for (std::size_t i = 0; i < ids.size(); ++i) at[ids[i]] = pointers[i];
  std::vector<Buffer> buffers;
  for (const Operation& o : operations) {
    auto tensors = o.inputs();
    tensors.push_back(o.output());
    for (const Tensor& t : tensors) {
      if (t.is_virtual) continue;
      const auto p = at.find(t.uid);
      if (p == at.end())
        refuse(CUDNN_STATUS_BAD_PARAM,
               "the variant pack has no pointer for the tensor " + std::to_string(t.uid));
      require(reinterpret_cast<std::uintptr_t>(p->second) % std::uintptr_t(t.alignment) == 0,
              "a pointer is not aligned as its tensor says",
              CUDNN_STATUS_BAD_PARAM_MISALIGNED_POINTER);
      buffers.push_back({p->second, t.bytes(), "a tensor"});
    }
  }
  void* work = pack.get<void*>(CUDNN_ATTR_VARIANT_PACK_WORKSPACE, nullptr);
  require(work != nullptr, "the plan needs a workspace", CUDNN_STATUS_BAD_PARAM_NULL_POINTER);
  const auto work_bytes = std::size_t(workspace(operations, engine));
  buffers.push_back({work, work_bytes, "the workspace"});
  const cudaError_t status = enqueue(h.stream, "cudnnBackendExecute", std::move(buffers), [=] {
    std::memset(work, 0xff, work_bytes);  // NaN: nothing in it survives
    run(operations, engine, at);
  });
  require(status == cudaSuccess, "the stream refuses", CUDNN_STATUS_EXECUTION_FAILED_CUDART);
}

}  // namespace

void refuse(cudnnStatus_t status, std::string reason) { throw Refused{status, std::move(reason)}; }

}  // namespace standin::dnn

using namespace standin::dnn;

extern "C" {

cudnnStatus_t cudnnCreate(cudnnHandle_t* h) {
  int count = 0;
  if (cudaGetDeviceCount(&count) != cudaSuccess) return CUDNN_STATUS_NOT_INITIALIZED;
  return call(__func__, [&] {
    require(h != nullptr, "the handle is null", CUDNN_STATUS_BAD_PARAM_NULL_POINTER);
    *h = new cudnnContext{standin::current_device(), nullptr};
    handles().insert(*h);
  });
}
cudnnStatus_t cudnnDestroy(cudnnHandle_t h) {
  return call(__func__, [&] {
    live_handle(h);
    handles().erase(h);
    delete h;
  });
}
cudnnStatus_t cudnnSetStream(cudnnHandle_t h, cudaStream_t stream) {
  return call(__func__, [&] {
    auto& handle = live_handle(h);
    require(standin::device_of(stream) == handle.device, "the stream is of another device",
            CUDNN_STATUS_BAD_PARAM_STREAM_MISMATCH);
    handle.stream = stream;
  });
}
cudnnStatus_t cudnnGetStream(cudnnHandle_t h, cudaStream_t* stream) {
  return call(__func__, [&] { *stream = live_handle(h).stream; });
}
size_t cudnnGetVersion() { return CUDNN_VERSION; }
size_t cudnnGetCudartVersion() { return CUDART_VERSION; }
void cudnnGetLastErrorString(char* out, size_t size) {
  if (!out || size == 0) return;
  const std::size_t n = std::min(size - 1, last_reason.size());
  std::memcpy(out, last_reason.data(), n);
  out[n] = 0;
  last_reason.clear();
}
const char* cudnnGetErrorString(cudnnStatus_t status) {
  switch (status) {
#define STANDIN_NAME(code) \
  case code:               \
    return #code;
    STANDIN_NAME(CUDNN_STATUS_SUCCESS)
    STANDIN_NAME(CUDNN_STATUS_NOT_INITIALIZED)
    STANDIN_NAME(CUDNN_STATUS_SUBLIBRARY_VERSION_MISMATCH)
    STANDIN_NAME(CUDNN_STATUS_BAD_PARAM)
    STANDIN_NAME(CUDNN_STATUS_BAD_PARAM_NULL_POINTER)
    STANDIN_NAME(CUDNN_STATUS_BAD_PARAM_MISALIGNED_POINTER)
    STANDIN_NAME(CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED)
    STANDIN_NAME(CUDNN_STATUS_BAD_PARAM_STREAM_MISMATCH)
    STANDIN_NAME(CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH)
    STANDIN_NAME(CUDNN_STATUS_BAD_PARAM_DUPLICATED_ENTRIES)
    STANDIN_NAME(CUDNN_STATUS_BAD_PARAM_ATTRIBUTE_TYPE)
    STANDIN_NAME(CUDNN_STATUS_BAD_PARAM_DESCRIPTOR_TYPE)
    STANDIN_NAME(CUDNN_STATUS_NOT_SUPPORTED)
    STANDIN_NAME(CUDNN_STATUS_NOT_SUPPORTED_GRAPH_PATTERN)
    STANDIN_NAME(CUDNN_STATUS_NOT_SUPPORTED_SHAPE)
    STANDIN_NAME(CUDNN_STATUS_NOT_SUPPORTED_DATA_TYPE)
    STANDIN_NAME(CUDNN_STATUS_NOT_SUPPORTED_LAYOUT)
    STANDIN_NAME(CUDNN_STATUS_NOT_SUPPORTED_PADDING)
    STANDIN_NAME(CUDNN_STATUS_INTERNAL_ERROR)
    STANDIN_NAME(CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED)
    STANDIN_NAME(CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED)
    STANDIN_NAME(CUDNN_STATUS_EXECUTION_FAILED)
    STANDIN_NAME(CUDNN_STATUS_EXECUTION_FAILED_CUDART)
#undef STANDIN_NAME
    default:
      return "unknown status of cuDNN";
  }
}

cudnnStatus_t cudnnBackendCreateDescriptor(cudnnBackendDescriptorType_t type,
                                           cudnnBackendDescriptor_t* out) {
  return call(__func__, [&] {
    require(out != nullptr, "the descriptor is null", CUDNN_STATUS_BAD_PARAM_NULL_POINTER);
    attributes(type);
    *out = new Descriptor{type, false, {}};
    descriptors().insert(*out);
  });
}
cudnnStatus_t cudnnBackendDestroyDescriptor(cudnnBackendDescriptor_t d) {
  return call(__func__, [&] {
    Descriptor& live = live_descriptor(d);
    descriptors().erase(d);
    delete &live;
  });
}
cudnnStatus_t cudnnBackendSetAttribute(cudnnBackendDescriptor_t d, Name name,
                                       cudnnBackendAttributeType_t type, int64_t count,
                                       const void* values) {
  return call(__func__, [&] { set(live_descriptor(d), name, type, count, values); });
}
cudnnStatus_t cudnnBackendGetAttribute(cudnnBackendDescriptor_t d, Name name,
                                       cudnnBackendAttributeType_t type, int64_t wanted,
                                       int64_t* got, void* out) {
  return call(__func__, [&] { get(live_descriptor(d), name, type, wanted, got, out); });
}
cudnnStatus_t cudnnBackendFinalize(cudnnBackendDescriptor_t d) {
  return call(__func__, [&] { finalize(live_descriptor(d)); });
}
cudnnStatus_t cudnnBackendExecute(cudnnHandle_t h, cudnnBackendDescriptor_t plan,
                                  cudnnBackendDescriptor_t pack) {
  return call(__func__,
              [&] { execute(live_handle(h), live_descriptor(plan), live_descriptor(pack)); });
}

}  // extern "C"
