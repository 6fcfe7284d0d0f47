// Convolution of NHWC images with OHWI weights, alone and with what often follows, and its two
// gradients.
#pragma once
#include <limits>
#include <string_view>

#include "tuco/core/ops/window.h"
#include "tuco/core/tensor.h"

namespace tuco::op {

/// Inputs: images (n, h, w, in), weight (out, kh, kw, in / groups), optionally bias (out,).
/// Output: (n, oh, ow, out). A depthwise convolution has groups == in.
struct Conv2d {
  static constexpr std::string_view name = "conv2d";
  Hw stride = 1, dilation = 1;
  Padding padding = 0;
  int64_t groups = 1;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("stride", self.stride);
    visit("dilation", self.dilation);
    visit("padding", self.padding);
    visit("groups", self.groups);
  }
};

/// clamp(conv(x, weight) + bias + addend, low, high) in one pass; ReLU is [0, infinity). Inputs:
/// images, weight, then the bias (out,) and the addend, of the output's shape, where the attributes
/// say so. The addend must not be the output's memory. NaN stays NaN.
struct FusedConv2d {
  static constexpr std::string_view name = "fused_conv2d";
  Conv2d conv;
  bool bias = false, addend = false;
  double low = 0, high = std::numeric_limits<double>::infinity();
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    Conv2d::fields(self.conv, visit);
    visit("bias", self.bias);
    visit("addend", self.addend);
    visit("low", self.low);
    visit("high", self.high);
  }
};

/// Inputs: gradient of the output, weight. Output: gradient of the images, of shape `images`.
struct Conv2dGradInput {
  static constexpr std::string_view name = "conv2d_grad_input";
  Conv2d conv;
  Shape images;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    Conv2d::fields(self.conv, visit);
    visit("images", self.images);
  }
};

/// Inputs: images, gradient of the output. Output: gradient of the weight, of shape `weight`.
struct Conv2dGradWeight {
  static constexpr std::string_view name = "conv2d_grad_weight";
  Conv2d conv;
  Shape weight;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    Conv2d::fields(self.conv, visit);
    visit("weight", self.weight);
  }
};

}  // namespace tuco::op

namespace tuco {

/// The sizes of a convolution. Throws ShapeError naming the op if they do not fit together.
WindowGeometry geometry(const op::Conv2d& conv, const Shape& images, const Shape& weight);

}  // namespace tuco
