// Ops that only look at the same bytes in another way. They have gradients and no kernels.
#pragma once
#include <string_view>

#include "tuco/core/shape.h"

namespace tuco::op {

/// Every `step`-th index of dimension `dim` from `start` to before `stop`; all within the tensor.
struct Slice {
  static constexpr std::string_view name = "slice";
  int dim = 0;
  int64_t start = 0, stop = 0, step = 1;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("dim", self.dim);
    visit("start", self.start);
    visit("stop", self.stop);
    visit("step", self.step);
  }
};
/// Dimension i of the result is dimension order[i] of the input.
struct Permute {
  static constexpr std::string_view name = "permute";
  Shape order;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("order", self.order);
  }
};
/// Another shape for the same elements; one size may be -1 and follows from the others. Copies
/// where strides leave no other way.
struct Reshape {
  static constexpr std::string_view name = "reshape";
  Shape shape;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("shape", self.shape);
  }
};
/// Broadcast to `shape`.
struct Expand {
  static constexpr std::string_view name = "expand";
  Shape shape;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("shape", self.shape);
  }
};

}  // namespace tuco::op
