// What the descriptors of cuDNN's stand-in mean, and what its engines support.
#include <algorithm>
#include <limits>
#include <set>

#include "cudnn_state.h"

namespace standin::dnn {

double Descriptor::scalar(Name name, double otherwise) const {
  const auto it = values.find(name);
  if (it == values.end()) return otherwise;
  return it->second.type == CUDNN_TYPE_FLOAT ? double(get<float>(name, 0)) : get<double>(name, 0);
}

std::size_t size_of(cudnnBackendAttributeType_t type) {
  switch (type) {
    case CUDNN_TYPE_INT64:
    case CUDNN_TYPE_DOUBLE:
    case CUDNN_TYPE_HANDLE:
    case CUDNN_TYPE_VOID_PTR:
    case CUDNN_TYPE_BACKEND_DESCRIPTOR:
      return 8;
    case CUDNN_TYPE_BOOLEAN:
    case CUDNN_TYPE_CHAR:
      return 1;
    case CUDNN_TYPE_FRACTION:
      return 16;
    default:
      return 4;
  }
}

std::size_t size_of(cudnnDataType_t type) {
  switch (type) {
    case CUDNN_DATA_DOUBLE:
      return 8;
    case CUDNN_DATA_FLOAT:
      return 4;
    case CUDNN_DATA_HALF:
    case CUDNN_DATA_BFLOAT16:
      return 2;
    default:
      return 0;
  }
}

int64_t Tensor::count() const {
  int64_t n = 1;
  for (const int64_t d : dims) n *= d;
  return n;
}
std::size_t Tensor::bytes() const {
  int64_t last = 0;
  for (std::size_t i = 0; i < dims.size(); ++i) last += (dims[i] - 1) * strides[i];
  return std::size_t(last + 1) * size_of(type);
}

Tensor tensor_of(const Descriptor& d) {
  require(d.type == CUDNN_BACKEND_TENSOR_DESCRIPTOR, "the descriptor of a tensor is wanted",
          CUDNN_STATUS_BAD_PARAM_DESCRIPTOR_TYPE);
  Tensor t;
  t.uid = d.get<int64_t>(CUDNN_ATTR_TENSOR_UNIQUE_ID, 0);
  t.is_virtual = d.get<bool>(CUDNN_ATTR_TENSOR_IS_VIRTUAL, false);
  t.type = d.get(CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_DATA_FLOAT);
  t.dims = d.all<int64_t>(CUDNN_ATTR_TENSOR_DIMENSIONS);
  t.strides = d.all<int64_t>(CUDNN_ATTR_TENSOR_STRIDES);
  t.alignment = d.get<int64_t>(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, 0);
  return t;
}

std::vector<Tensor> Operation::inputs() const {
  std::vector<Tensor> all;
  switch (kind) {
    case Kind::kForward:
      all = {image, filter};
      break;
    case Kind::kBackwardData:
      all = {filter, result};
      break;
    case Kind::kBackwardFilter:
      all = {image, result};
      break;
    case Kind::kPointwise:
      all = {image};
      if (binary) all.push_back(filter);
      break;
  }
  // A result that is added to what is there is an input, too; as it is given anyway, not listed.
  return all;
}

namespace {

bool is_binary(cudnnPointwiseMode_t mode) {
  return mode == CUDNN_POINTWISE_ADD || mode == CUDNN_POINTWISE_MUL ||
         mode == CUDNN_POINTWISE_SUB || mode == CUDNN_POINTWISE_DIV ||
         mode == CUDNN_POINTWISE_MAX || mode == CUDNN_POINTWISE_MIN;
}

Operation convolution_of(const Descriptor& d, Kind kind, Name conv, Name image, Name filter,
                         Name result, Name alpha, Name beta) {
  Operation o;
  o.kind = kind;
  const Descriptor& c = d.part(conv);
  require(c.type == CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR,
          "the descriptor of a convolution is wanted", CUDNN_STATUS_BAD_PARAM_DESCRIPTOR_TYPE);
  o.convolution = {c.all<int64_t>(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS),
                   c.all<int64_t>(CUDNN_ATTR_CONVOLUTION_POST_PADDINGS),
                   c.all<int64_t>(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES),
                   c.all<int64_t>(CUDNN_ATTR_CONVOLUTION_DILATIONS),
                   c.get(CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_DATA_FLOAT),
                   c.get(CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_CROSS_CORRELATION)};
  o.image = tensor_of(d.part(image));
  o.filter = tensor_of(d.part(filter));
  o.result = tensor_of(d.part(result));
  o.alpha = d.scalar(alpha, 1);
  o.beta = d.scalar(beta, 0);
  const auto &x = o.image.dims, &w = o.filter.dims, &y = o.result.dims;
  const std::size_t space = o.convolution.pre.size();
  require(x.size() == space + 2 && w.size() == space + 2 && y.size() == space + 2,
          "the tensors have not the dimensions of the convolution");
  require(x[1] % w[1] == 0, "the filter's channels do not divide the image's");
  require(w[0] % o.groups() == 0, "the groups do not divide the filter's outputs");
  require(y[0] == x[0], "image and result have not one batch size");
  require(y[1] == w[0], "the result's channels are not the filter's outputs");
  for (std::size_t i = 0; i < space; ++i) {
    const int64_t reach = (w[i + 2] - 1) * o.convolution.dilations[i] + 1;
    const int64_t room = x[i + 2] + o.convolution.pre[i] + o.convolution.post[i] - reach;
    require(room >= 0 && y[i + 2] == room / o.convolution.strides[i] + 1,
            "the result has not the size that the convolution gives");
  }
  return o;
}

Operation pointwise_of(const Descriptor& d) {
  Operation o;
  o.kind = Kind::kPointwise;
  const Descriptor& p = d.part(CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR);
  require(p.type == CUDNN_BACKEND_POINTWISE_DESCRIPTOR,
          "the descriptor of a point-wise mode is wanted", CUDNN_STATUS_BAD_PARAM_DESCRIPTOR_TYPE);
  o.pointwise = {
      p.get(CUDNN_ATTR_POINTWISE_MODE, CUDNN_POINTWISE_IDENTITY),
      p.scalar(CUDNN_ATTR_POINTWISE_RELU_LOWER_CLIP, 0),
      p.scalar(CUDNN_ATTR_POINTWISE_RELU_UPPER_CLIP, std::numeric_limits<double>::infinity()),
      p.scalar(CUDNN_ATTR_POINTWISE_RELU_LOWER_CLIP_SLOPE, 0),
      p.scalar(CUDNN_ATTR_POINTWISE_ELU_ALPHA, 1),
      p.scalar(CUDNN_ATTR_POINTWISE_SWISH_BETA, 1),
      p.get(CUDNN_ATTR_POINTWISE_NAN_PROPAGATION, CUDNN_NOT_PROPAGATE_NAN) == CUDNN_PROPAGATE_NAN};
  o.binary = is_binary(o.pointwise.mode);
  o.image = tensor_of(d.part(CUDNN_ATTR_OPERATION_POINTWISE_XDESC));
  o.result = tensor_of(d.part(CUDNN_ATTR_OPERATION_POINTWISE_YDESC));
  if (o.binary) {
    require(d.has(CUDNN_ATTR_OPERATION_POINTWISE_BDESC),
            "the mode takes two tensors, b is not set");
    o.filter = tensor_of(d.part(CUDNN_ATTR_OPERATION_POINTWISE_BDESC));
  }
  for (const Tensor& t : o.inputs()) {
    require(t.dims.size() == o.result.dims.size(), "the tensors have not as many dimensions");
    for (std::size_t i = 0; i < t.dims.size(); ++i)
      require(t.dims[i] == o.result.dims[i] || t.dims[i] == 1, "a tensor does not broadcast to y",
              CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH);
  }
  o.alpha = d.scalar(CUDNN_ATTR_OPERATION_POINTWISE_ALPHA1, 1);
  o.beta = d.scalar(CUDNN_ATTR_OPERATION_POINTWISE_ALPHA2, 1);
  return o;
}

}  // namespace

Operation operation_of(const Descriptor& d) {
  switch (d.type) {
    case CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR:
      return convolution_of(d, Kind::kForward, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC,
                            CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X,
                            CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W,
                            CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y,
                            CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA,
                            CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA);
    case CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR:
      return convolution_of(
          d, Kind::kBackwardData, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC,
          CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W,
          CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY,
          CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA,
          CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA);
    case CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR:
      return convolution_of(d, Kind::kBackwardFilter,
                            CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC,
                            CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X,
                            CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW,
                            CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY,
                            CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA,
                            CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA);
    case CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR:
      return pointwise_of(d);
    default:
      refuse(CUDNN_STATUS_BAD_PARAM_DESCRIPTOR_TYPE, "the descriptor of an operation is wanted");
  }
}

std::vector<Operation> operations_of(const Descriptor& graph) {
  std::vector<Operation> open, ordered;
  std::set<int64_t> made, known;
  for (const auto& part : graph.values.at(CUDNN_ATTR_OPERATIONGRAPH_OPS).parts) {
    open.push_back(operation_of(*part));
    require(made.insert(open.back().output().uid).second, "two operations have one result");
  }
  require(!open.empty(), "the graph has no operation");
  while (!open.empty()) {
    const auto ready = std::find_if(open.begin(), open.end(), [&](const Operation& o) {
      const auto inputs = o.inputs();
      return std::all_of(inputs.begin(), inputs.end(), [&](const Tensor& t) {
        if (!made.contains(t.uid)) {
          require(!t.is_virtual, "a virtual tensor is the result of no operation");
          return true;
        }
        return known.contains(t.uid);
      });
    });
    require(ready != open.end(), "the operations have no order");
    known.insert(ready->output().uid);
    ordered.push_back(*ready);
    open.erase(ready);
  }
  return ordered;
}

// ---- engines ------------------------------------------------------------------------------------
namespace {

bool is_gradient(const std::vector<Operation>& graph) {
  const Kind kind = graph.front().kind;
  return kind == Kind::kBackwardData || kind == Kind::kBackwardFilter;
}

bool is_known(cudnnPointwiseMode_t mode) {
  switch (mode) {
    case CUDNN_POINTWISE_IDENTITY:
    case CUDNN_POINTWISE_RELU_FWD:
    case CUDNN_POINTWISE_TANH_FWD:
    case CUDNN_POINTWISE_SIGMOID_FWD:
    case CUDNN_POINTWISE_ELU_FWD:
    case CUDNN_POINTWISE_SWISH_FWD:
    case CUDNN_POINTWISE_ABS:
    case CUDNN_POINTWISE_EXP:
    case CUDNN_POINTWISE_NEG:
    case CUDNN_POINTWISE_SQRT:
      return true;
    default:
      return is_binary(mode);
  }
}

// What no engine has.
void require_any_support(const std::vector<Operation>& graph) {
  for (std::size_t i = 0; i < graph.size(); ++i) {
    const Operation& o = graph[i];
    const bool pointwise = o.kind == Kind::kPointwise;
    require(pointwise || i == 0, "a convolution stands first and alone in its graph",
            CUDNN_STATUS_NOT_SUPPORTED_GRAPH_PATTERN);
    require(i == 0 || graph[0].kind == Kind::kForward || graph[0].kind == Kind::kPointwise,
            "nothing is fused behind a gradient", CUDNN_STATUS_NOT_SUPPORTED_GRAPH_PATTERN);
    require(!pointwise || is_known(o.pointwise.mode),
            "the stand-in does not know the point-wise mode", CUDNN_STATUS_NOT_SUPPORTED);
    auto tensors = o.inputs();
    tensors.push_back(o.output());
    // double stands alone: the library has it for single convolutions, with sums of double.
    const bool wide = graph.front().image.type == CUDNN_DATA_DOUBLE;
    require(!wide || graph.size() == 1, "nothing is fused in double",
            CUDNN_STATUS_NOT_SUPPORTED_GRAPH_PATTERN);
    for (const Tensor& t : tensors) {
      require((t.type == CUDNN_DATA_DOUBLE) == wide, "double and other types are mixed",
              CUDNN_STATUS_NOT_SUPPORTED_DATA_TYPE);
      require(t.dims.size() == 4, "tensors of four dimensions are wanted",
              CUDNN_STATUS_NOT_SUPPORTED_SHAPE);
      // The library has other layouts, and mixes of them; our backend never means one.
      require(t.channels_innermost(), "a tensor's channels are not innermost (NHWC)",
              CUDNN_STATUS_NOT_SUPPORTED_LAYOUT);
    }
    if (pointwise) continue;
    require(o.convolution.compute == (wide ? CUDNN_DATA_DOUBLE : CUDNN_DATA_FLOAT),
            "sums are of float, or of double for tensors of double",
            CUDNN_STATUS_NOT_SUPPORTED_DATA_TYPE);
    require(o.image.type == o.filter.type &&
                (o.result.type == o.image.type || o.result.is_virtual || i + 1 < graph.size()),
            "image, filter and result are of one type", CUDNN_STATUS_NOT_SUPPORTED_DATA_TYPE);
  }
}

bool is_supported(const std::vector<Operation>& graph) {
  try {
    require_any_support(graph);
    return true;
  } catch (const Refused&) {
    return false;
  }
}

}  // namespace

std::vector<Engine> suggestions(const std::vector<Operation>& graph, cudnnBackendHeurMode_t mode) {
  if (!is_supported(graph)) return {};
  const bool wide = graph.front().image.type == CUDNN_DATA_DOUBLE;
  if (wide || mode == CUDNN_HEUR_MODE_FALLBACK) return {Engine::kPlain};
  std::vector<Engine> order{Engine::kTensorCore, Engine::kWinograd, Engine::kPlain};
  if (mode == CUDNN_HEUR_MODE_B) std::swap(order[0], order[1]);
  if (is_gradient(graph)) order.insert(order.begin(), Engine::kNondeterministic);
  return order;
}

std::vector<cudnnBackendNumericalNote_t> notes(Engine engine) {
  switch (engine) {
    case Engine::kTensorCore:  // TF32, of float, has no note of its own
      return {CUDNN_NUMERICAL_NOTE_TENSOR_CORE};
    case Engine::kWinograd:
      return {CUDNN_NUMERICAL_NOTE_WINOGRAD};
    case Engine::kNondeterministic:
      return {CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC};
    case Engine::kPlain:
      break;
  }
  return {};
}

void require_supported(const std::vector<Operation>& graph, Engine engine) {
  require_any_support(graph);
  const Operation& first = graph.front();
  require(first.image.type != CUDNN_DATA_DOUBLE || engine == Engine::kPlain,
          "the engine has no double", CUDNN_STATUS_NOT_SUPPORTED_DATA_TYPE);
  if (engine == Engine::kNondeterministic)
    require(is_gradient(graph), "the engine is for gradients", CUDNN_STATUS_NOT_SUPPORTED);
  if (engine != Engine::kWinograd) return;
  require(graph.size() == 1 && first.kind != Kind::kPointwise, "the engine fuses nothing",
          CUDNN_STATUS_NOT_SUPPORTED_GRAPH_PATTERN);
  const Convolution& c = first.convolution;
  const auto ones = std::vector<int64_t>{1, 1};
  require(first.filter.dims[2] == 3 && first.filter.dims[3] == 3 && c.strides == ones &&
              c.dilations == ones && first.groups() == 1,
          "the engine has only 3 x 3 filters without strides, dilations and groups",
          CUDNN_STATUS_NOT_SUPPORTED_SHAPE);
  require(c.pre == c.post, "the engine pads both sides alike", CUDNN_STATUS_NOT_SUPPORTED_PADDING);
}

int64_t workspace(const std::vector<Operation>& graph, Engine engine) {
  constexpr int64_t kLeast = 512;
  const Operation& first = graph.front();
  const auto bytes = [](const Tensor& t) { return int64_t(t.count() * 4); };
  switch (engine) {
    case Engine::kWinograd:  // image and filter transformed
      return kLeast + 2 * bytes(first.image) + 2 * bytes(first.filter);
    case Engine::kTensorCore:
      return kLeast + bytes(first.filter);
    case Engine::kNondeterministic:
    case Engine::kPlain:
      break;
  }
  return kLeast;
}

}  // namespace standin::dnn
