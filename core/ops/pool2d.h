// Max and average pooling of NHWC images, and their gradients.
#pragma once
#include <string_view>

#include "tuco/core/ops/window.h"
#include "tuco/core/tensor.h"

namespace tuco::op {

/// The window of a pooling.
struct PoolWindow {
  Hw kernel = 2, stride = 2;
  Padding padding = 0;
  /// Round the output size up, letting the last window hang over the edge.
  bool ceil_mode = false;
  /// Average pooling only: whether padding counts in the divisor.
  bool count_include_pad = false;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("kernel", self.kernel);
    visit("stride", self.stride);
    visit("padding", self.padding);
    visit("ceil_mode", self.ceil_mode);
    visit("count_include_pad", self.count_include_pad);
  }
};

/// Input: images (n, h, w, c). Outputs: (n, oh, ow, c), and int32 indices of the winners in the
/// image plane (y * w + x), of the same shape, which the kernel leaves out where that output is
/// undefined. The first of equal maxima wins.
struct MaxPool2d {
  static constexpr std::string_view name = "max_pool2d";
  PoolWindow window;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    PoolWindow::fields(self.window, visit);
  }
};
/// Inputs: gradient of the output, winners. Output: gradient of the images, of shape `images`.
struct MaxPool2dGrad {
  static constexpr std::string_view name = "max_pool2d_grad";
  PoolWindow window;
  Shape images;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    PoolWindow::fields(self.window, visit);
    visit("images", self.images);
  }
};
/// Input: images (n, h, w, c). Output: (n, oh, ow, c).
struct AvgPool2d {
  static constexpr std::string_view name = "avg_pool2d";
  PoolWindow window;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    PoolWindow::fields(self.window, visit);
  }
};
/// Input: gradient of the output. Output: gradient of the images, of shape `images`.
struct AvgPool2dGrad {
  static constexpr std::string_view name = "avg_pool2d_grad";
  PoolWindow window;
  Shape images;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    PoolWindow::fields(self.window, visit);
    visit("images", self.images);
  }
};

}  // namespace tuco::op

namespace tuco {

/// The sizes of a pooling. Throws ShapeError naming `op` if they do not fit together.
WindowGeometry geometry(std::string_view op, const op::PoolWindow& window, const Shape& images);

}  // namespace tuco
