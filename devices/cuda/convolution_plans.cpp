#include "tuco/devices/cuda/convolution_plans.h"

#include <bit>

#include "tuco/devices/cuda/device_context.h"

namespace tuco::cuda {
namespace {

/// Names of the tensors of a graph; those from kVirtual on are handed from operation to operation.
enum Id : int64_t { kImages = 1, kWeight, kOutput, kBias, kAddend, kVirtual };

/// The operations of a convolution and what follows it.
class GraphOfConvolution {
 public:
  GraphOfConvolution(const WindowGeometry& g, int64_t alignment)
      : g_(g),
        alignment_(alignment),
        output_{g.batch, g.out_c, g.out_h, g.out_w},
        images_(graph_tensor(kImages, {g.batch, g.in_c, g.in_h, g.in_w}, false, alignment)),
        weight_(graph_tensor(kWeight, {g.out_c, g.in_c / g.groups, g.kernel.h, g.kernel.w}, false,
                             alignment)) {}

  std::vector<Descriptor> operations(Direction direction, const Epilogue<float>& epilogue) {
    Descriptor convolution(CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR);
    const auto pair = [](int64_t h, int64_t w) { return std::array<int64_t, 2>{h, w}; };
    convolution.set(CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_DATA_FLOAT)
        .set(CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_CROSS_CORRELATION)
        .set(CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, int64_t{2})
        .set(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, pair(g_.padding.top, g_.padding.left))
        .set(CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, pair(g_.padding.bottom, g_.padding.right))
        .set(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, pair(g_.stride.h, g_.stride.w))
        .set(CUDNN_ATTR_CONVOLUTION_DILATIONS, pair(g_.dilation.h, g_.dilation.w))
        .finalize();
    steps_ = (epilogue.addend ? 1 : 0) + (epilogue.bias ? 1 : 0) + (clamps(epilogue) ? 1 : 0);
    std::vector<Descriptor> list;
    const Descriptor output = next();
    switch (direction) {
      case Direction::forward: {
        Descriptor& op =
            list.emplace_back(CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR);
        op.set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC, convolution)
            .set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X, images_)
            .set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W, weight_)
            .set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y, output)
            .set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA, 1.0f)
            .set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA, 0.0f);
        break;
      }
      case Direction::grad_input: {
        Descriptor& op =
            list.emplace_back(CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR);
        op.set(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC, convolution)
            .set(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX, images_)
            .set(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W, weight_)
            .set(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY, output)
            .set(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA, 1.0f)
            .set(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA, 0.0f);
        break;
      }
      case Direction::grad_weight: {
        Descriptor& op =
            list.emplace_back(CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR);
        op.set(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC, convolution)
            .set(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X, images_)
            .set(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW, weight_)
            .set(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY, output)
            .set(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA, 1.0f)
            .set(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA, 0.0f);
        break;
      }
    }
    list.back().finalize();
    follow(list, output, epilogue);
    return list;
  }

  static bool clamps(const Epilogue<float>& e) {
    return Epilogue<float>{nullptr, nullptr, e.low, e.high}.changes_anything();
  }

 private:
  /// Where the next operation writes: the output, if it is the last.
  Descriptor next() {
    const bool last = steps_-- == 0;
    return graph_tensor(last ? kOutput : virtual_id_++, output_, !last, alignment_);
  }

  void follow(std::vector<Descriptor>& list, const Descriptor& convolved,
              const Epilogue<float>& epilogue) {
    const Descriptor* from = &convolved;
    std::vector<Descriptor> between;
    between.reserve(3);
    const auto append = [&](const Descriptor& formula, const Descriptor* other) {
      between.push_back(next());
      Descriptor& op = list.emplace_back(CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR);
      op.set(CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, formula)
          .set(CUDNN_ATTR_OPERATION_POINTWISE_XDESC, *from)
          .set(CUDNN_ATTR_OPERATION_POINTWISE_YDESC, between.back());
      if (other) op.set(CUDNN_ATTR_OPERATION_POINTWISE_BDESC, *other);
      op.finalize();
      from = &between.back();
    };
    const auto formula = [](cudnnPointwiseMode_t mode) {
      Descriptor descriptor(CUDNN_BACKEND_POINTWISE_DESCRIPTOR);
      descriptor.set(CUDNN_ATTR_POINTWISE_MODE, mode)
          .set(CUDNN_ATTR_POINTWISE_MATH_PREC, CUDNN_DATA_FLOAT);
      return descriptor;
    };
    if (epilogue.bias) {
      Descriptor add = formula(CUDNN_POINTWISE_ADD);
      add.finalize();
      append(add, &(bias_ = graph_tensor(kBias, {1, g_.out_c, 1, 1}, false, alignment_)));
    }
    if (epilogue.addend) {
      Descriptor add = formula(CUDNN_POINTWISE_ADD);
      add.finalize();
      append(add, &(addend_ = graph_tensor(kAddend, output_, false, alignment_)));
    }
    if (clamps(epilogue)) {
      Descriptor clamp = formula(CUDNN_POINTWISE_RELU_FWD);
      clamp.set(CUDNN_ATTR_POINTWISE_NAN_PROPAGATION, CUDNN_PROPAGATE_NAN)
          .set(CUDNN_ATTR_POINTWISE_RELU_LOWER_CLIP, epilogue.low)
          .set(CUDNN_ATTR_POINTWISE_RELU_UPPER_CLIP, epilogue.high)
          .finalize();
      append(clamp, nullptr);
    }
  }

  const WindowGeometry& g_;
  int64_t alignment_;
  std::array<int64_t, 4> output_;
  Descriptor images_, weight_, bias_, addend_;
  int steps_ = 0;
  int64_t virtual_id_ = kVirtual;
};

}  // namespace

const std::optional<ExecutionPlan>& ConvolutionPlans::plan(Direction direction,
                                                           const WindowGeometry& g,
                                                           const Epilogue<float>& epilogue,
                                                           int64_t alignment) {
  const bool tf32 = float32_precision() == Float32Precision::tf32;
  const Key key = {static_cast<int64_t>(direction), g.batch, g.in_h, g.in_w, g.in_c, g.out_h,
                   g.out_w, g.out_c, g.kernel.h, g.kernel.w, g.stride.h, g.stride.w, g.dilation.h,
                   g.dilation.w, g.padding.top, g.padding.bottom, g.padding.left, g.padding.right,
                   g.groups, epilogue.bias != nullptr, epilogue.addend != nullptr,
                   std::bit_cast<int64_t>(epilogue.low), std::bit_cast<int64_t>(epilogue.high),
                   alignment, tf32};
  const auto [entry, is_new] = plans_.try_emplace(key);
  if (is_new) {
    try {
      PlanLimits limits;
      limits.tf32 = tf32;
      entry->second = ExecutionPlan::find(
          device_.dnn(), GraphOfConvolution(g, alignment).operations(direction, epilogue), limits);
    } catch (...) {
      plans_.erase(entry);
      throw;
    }
  }
  return entry->second;
}

bool ConvolutionPlans::run(Direction direction, const WindowGeometry& geometry,
                           const ConvolutionOperands& operands, const Epilogue<float>& epilogue,
                           Call& call) {
  std::vector<int64_t> ids = {kImages, kWeight, kOutput};
  std::vector<void*> pointers = {operands.images, operands.weight, operands.output};
  const auto add = [&](Id id, const float* pointer) {
    if (!pointer) return;
    ids.push_back(id);
    pointers.push_back(const_cast<float*>(pointer));  // cuDNN names inputs and outputs alike
  };
  add(kBias, epilogue.bias);
  add(kAddend, epilogue.addend);
  int64_t alignment = 16;
  for (const void* pointer : pointers)
    if (reinterpret_cast<uintptr_t>(pointer) % 16 != 0) alignment = sizeof(float);
  const auto& found = plan(direction, geometry, epilogue, alignment);
  if (!found) return false;
  void* workspace =
      call.scratch<std::byte>(static_cast<int64_t>(found->workspace_bytes()), device_.device());
  found->run(device_.dnn(), ids, pointers, workspace);
  return true;
}

}  // namespace tuco::cuda
