// Reductions over dimensions.
#pragma once
#include <string_view>

#include "tuco/core/shape.h"

namespace tuco::op {

/// Which dimensions a reduction runs over, counted from the front, ascending, and whether they stay
/// as size 1.
struct ReduceDims {
  Shape dims;
  bool keep = false;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("dims", self.dims);
    visit("keep", self.keep);
  }
};

/// The sum of floating-point numbers; float32 is summed in float64.
struct Sum : ReduceDims {
  static constexpr std::string_view name = "sum";
};
/// The mean; of no elements it is NaN.
struct Mean : ReduceDims {
  static constexpr std::string_view name = "mean";
};
/// The largest value; equal ones share the gradient. Throws ShapeError over no elements.
struct Max : ReduceDims {
  static constexpr std::string_view name = "max";
};
/// The index (int64) of the first largest value along the one dimension in `dims`.
struct ArgMax : ReduceDims {
  static constexpr std::string_view name = "argmax";
};

}  // namespace tuco::op
