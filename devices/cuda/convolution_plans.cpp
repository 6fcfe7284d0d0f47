#include "tuco/devices/cuda/convolution_plans.h"

#include "tuco/devices/cuda/device_context.h"

namespace tuco::cuda {
namespace {

/// Names of the tensors of a graph; those from kVirtual on are handed from operation to operation.
enum Id : int64_t { kImages = 1, kWeight, kOutput, kBias, kAddend, kVirtual };

/// The operations of a convolution and what follows it.
class GraphOfConvolution {
 public:
  GraphOfConvolution(const WindowGeometry& g, cudnnDataType_t type, int64_t alignment)
      : g_(g),
        type_(type),
        alignment_(alignment),
        output_{g.batch, g.out_c, g.out_h, g.out_w},
        images_(tensor(kImages, {g.batch, g.in_c, g.in_h, g.in_w})),
        weight_(tensor(kWeight, {g.out_c, g.in_c / g.groups, g.kernel.h, g.kernel.w})) {}

  /// In the order that cuDNN's precompiled engines know: the sum with a tensor comes before the
  /// bias, and ReLU last.
  std::vector<Descriptor> operations(Direction direction, bool bias, bool addend, bool relu) {
    steps_left_ = bias + addend + relu;
    Descriptor result = next();
    std::vector<Descriptor> list;
    list.push_back(convolution(direction, result));
    const auto follow = [&](cudnnPointwiseMode_t mode, const Descriptor* other) {
      Descriptor output = next();
      list.push_back(pointwise(mode, result, other, output));
      result = std::move(output);
    };
    if (addend) {
      const Descriptor other = tensor(kAddend, output_);
      follow(CUDNN_POINTWISE_ADD, &other);
    }
    if (bias) {
      const Descriptor other = tensor(kBias, {1, g_.out_c, 1, 1});
      follow(CUDNN_POINTWISE_ADD, &other);
    }
    if (relu) follow(CUDNN_POINTWISE_RELU_FWD, nullptr);
    return list;
  }

 private:
  Descriptor tensor(int64_t id, const std::array<int64_t, 4>& nchw, bool is_virtual = false) const {
    return graph_tensor(id, type_, nchw, is_virtual, alignment_);
  }
  /// Where the next operation writes: the output, if it is the last.
  Descriptor next() {
    const bool last = steps_left_-- == 0;
    return tensor(last ? int64_t{kOutput} : virtual_id_++, output_, !last);
  }

  Descriptor convolution(Direction direction, const Descriptor& output) const {
    Descriptor window(CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR);
    const auto pair = [](int64_t h, int64_t w) { return std::array<int64_t, 2>{h, w}; };
    window.set(CUDNN_ATTR_CONVOLUTION_COMP_TYPE, type_)
        .set(CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_CROSS_CORRELATION)
        .set(CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, int64_t{2})
        .set(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, pair(g_.padding.top, g_.padding.left))
        .set(CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, pair(g_.padding.bottom, g_.padding.right))
        .set(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, pair(g_.stride.h, g_.stride.w))
        .set(CUDNN_ATTR_CONVOLUTION_DILATIONS, pair(g_.dilation.h, g_.dilation.w))
        .finalize();
    /// The attributes of an operation's type.
    struct Names {
      cudnnBackendDescriptorType_t type;
      cudnnBackendAttributeName_t window, images, weight, output, alpha, beta;
    };
    constexpr Names kNames[] = {
        {CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR,
         CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC,
         CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W,
         CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA,
         CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA},
        {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR,
         CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC,
         CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W,
         CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY,
         CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA,
         CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA},
        {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR,
         CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC,
         CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X,
         CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW,
         CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY,
         CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA,
         CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA}};
    const Names& names = kNames[static_cast<int>(direction)];
    Descriptor op(names.type);
    op.set(names.window, window)
        .set(names.images, images_)
        .set(names.weight, weight_)
        .set(names.output, output);
    if (type_ == CUDNN_DATA_DOUBLE)
      op.set(names.alpha, 1.0).set(names.beta, 0.0);
    else
      op.set(names.alpha, 1.0f).set(names.beta, 0.0f);
    op.finalize();
    return op;
  }

  Descriptor pointwise(cudnnPointwiseMode_t mode, const Descriptor& x, const Descriptor* other,
                       const Descriptor& y) const {
    Descriptor formula(CUDNN_BACKEND_POINTWISE_DESCRIPTOR);
    formula.set(CUDNN_ATTR_POINTWISE_MODE, mode).set(CUDNN_ATTR_POINTWISE_MATH_PREC, type_);
    if (mode == CUDNN_POINTWISE_RELU_FWD)
      formula.set(CUDNN_ATTR_POINTWISE_NAN_PROPAGATION, CUDNN_PROPAGATE_NAN);
    formula.finalize();
    Descriptor op(CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR);
    op.set(CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, formula)
        .set(CUDNN_ATTR_OPERATION_POINTWISE_XDESC, x)
        .set(CUDNN_ATTR_OPERATION_POINTWISE_YDESC, y);
    if (other) op.set(CUDNN_ATTR_OPERATION_POINTWISE_BDESC, *other);
    op.finalize();
    return op;
  }

  const WindowGeometry& g_;
  cudnnDataType_t type_;
  int64_t alignment_;
  std::array<int64_t, 4> output_;
  Descriptor images_, weight_;
  int steps_left_ = 0;
  int64_t virtual_id_ = kVirtual;
};

}  // namespace

const std::optional<ExecutionPlan>& ConvolutionPlans::plan(Direction direction,
                                                           const WindowGeometry& g, Fused fused,
                                                           cudnnDataType_t type,
                                                           int64_t alignment) {
  const bool tf32 = float32_precision() == Float32Precision::tf32;
  const Key key = {static_cast<int64_t>(direction),
                   type,
                   alignment,
                   tf32,
                   fused.bias,
                   fused.addend,
                   fused.relu,
                   g.batch,
                   g.in_h,
                   g.in_w,
                   g.in_c,
                   g.out_c,
                   g.kernel.h,
                   g.kernel.w,
                   g.stride.h,
                   g.stride.w,
                   g.dilation.h,
                   g.dilation.w,
                   g.padding.top,
                   g.padding.bottom,
                   g.padding.left,
                   g.padding.right,
                   g.groups,
                   g.out_h,
                   g.out_w};
  const auto [entry, is_new] = plans_.try_emplace(key);
  if (is_new) {
    try {
      PlanLimits limits;
      limits.tf32 = tf32;
      entry->second =
          ExecutionPlan::find(device_.dnn(),
                              GraphOfConvolution(g, type, alignment)
                                  .operations(direction, fused.bias, fused.addend, fused.relu),
                              limits);
    } catch (...) {
      plans_.erase(entry);
      throw;
    }
  }
  return entry->second;
}

const void* ConvolutionPlans::zeros(int64_t count, size_t size, Call& call) {
  const size_t bytes = static_cast<size_t>(count) * size;
  if (zeros_.empty() || zeros_.back()->bytes() < bytes) {
    const size_t room = zeros_.empty() ? bytes : std::max(bytes, 2 * zeros_.back()->bytes());
    auto more = std::make_unique<Storage>(room, device_.device());
    check(cudaMemsetAsync(more->data(), 0, room, call.stream), "cudaMemsetAsync");
    zeros_.push_back(std::move(more));
  }
  return zeros_.back()->data();
}

template <class T>
bool ConvolutionPlans::run_graph(Direction direction, const WindowGeometry& geometry,
                                 const ConvolutionOperands<T>& operands, const T* bias,
                                 const T* addend, bool relu, Call& call) {
  std::vector<int64_t> ids = {kImages, kWeight, kOutput};
  std::vector<void*> pointers = {operands.images, operands.weight, operands.output};
  const auto add = [&](Id id, const T* pointer) {
    if (!pointer) return;
    ids.push_back(id);
    pointers.push_back(const_cast<T*>(pointer));  // cuDNN names inputs and outputs alike
  };
  add(kBias, bias);
  add(kAddend, addend);
  int64_t alignment = 16;
  for (const void* pointer : pointers)
    if (reinterpret_cast<uintptr_t>(pointer) % 16 != 0) alignment = sizeof(T);
  const auto& found =
      plan(direction, geometry, {bias != nullptr, addend != nullptr, relu},
           std::is_same_v<T, double> ? CUDNN_DATA_DOUBLE : CUDNN_DATA_FLOAT, alignment);
  if (!found) return false;
  const auto bytes = static_cast<int64_t>(found->workspace_bytes());
  void* workspace = bytes ? call.scratch<std::byte>(bytes, device_.device()) : nullptr;
  found->run(device_.dnn(), ids, pointers, workspace);
  return true;
}

template <class T>
bool ConvolutionPlans::run(Direction direction, const WindowGeometry& g,
                           const ConvolutionOperands<T>& operands, const Epilogue<T>& epilogue,
                           Call& call) {
  if (epilogue.changes_anything()) {
    // Every fast engine for a fused convolution adds a bias, and cuts at 0 alone.
    const T* bias =
        epilogue.bias ? epilogue.bias : static_cast<const T*>(zeros(g.out_c, sizeof(T), call));
    const bool relu = epilogue.low == 0 && std::isinf(epilogue.high);
    if (run_graph(direction, g, operands, bias, epilogue.addend, relu, call)) {
      if (!relu)
        finish({nullptr, nullptr, epilogue.low, epilogue.high}, g.batch * g.out_h * g.out_w,
               g.out_c, operands.output, call.stream);
      return true;
    }
  }
  if (!run_graph<T>(direction, g, operands, nullptr, nullptr, false, call)) return false;
  finish(epilogue, g.batch * g.out_h * g.out_w, g.out_c, operands.output, call.stream);
  return true;
}

template bool ConvolutionPlans::run(Direction, const WindowGeometry&,
                                    const ConvolutionOperands<float>&, const Epilogue<float>&,
                                    Call&);
template bool ConvolutionPlans::run(Direction, const WindowGeometry&,
                                    const ConvolutionOperands<double>&, const Epilogue<double>&,
                                    Call&);

}  // namespace tuco::cuda
