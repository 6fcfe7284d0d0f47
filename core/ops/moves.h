// Ops that move elements without computing: copies, joins, look-ups, choices.
#pragma once
#include <string_view>

#include "tuco/core/device.h"
#include "tuco/core/dtype.h"
#include "tuco/core/pointwise.h"
#include "tuco/core/shape.h"

namespace tuco::op {

/// A dense copy.
struct Copy : NoFields {
  static constexpr std::string_view name = "copy";
};
/// Another element type: floating to integer truncates and saturates, NaN becomes 0.
struct Cast {
  static constexpr std::string_view name = "cast";
  DType dtype = DType::float32;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("dtype", self.dtype);
  }
};
/// To another device.
struct ToDevice {
  static constexpr std::string_view name = "to_device";
  Device device;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("device", self.device);
  }
};
/// Joins any number of inputs along `dim`.
struct Concat {
  static constexpr std::string_view name = "concat";
  int dim = 0;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("dim", self.dim);
  }
};
/// Surrounds a tensor with `value`: before[i] and after[i] elements along dimension i.
struct Pad {
  static constexpr std::string_view name = "pad";
  Shape before, after;
  double value = 0;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("before", self.before);
    visit("after", self.after);
    visit("value", self.value);
  }
};
/// Inputs: x, index (int64) of the same rank, whose sizes but for `dim` equal x's. Output: like
/// index, out[.., i, ..] = x[.., index[.., i, ..], ..], as NumPy's take_along_axis. Throws
/// ShapeError when an index is out of range.
struct Gather {
  static constexpr std::string_view name = "gather";
  int dim = 0;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("dim", self.dim);
  }
};
/// Inputs: gradient of the output, index. Output: gradient of x, whose size along `dim` is `size`.
struct GatherGrad {
  static constexpr std::string_view name = "gather_grad";
  int dim = 0;
  int64_t size = 0;
  template <class Self, class Visit>
  static void fields(Self& self, Visit&& visit) {
    visit("dim", self.dim);
    visit("size", self.size);
  }
};
/// Inputs: condition (bool), a, b, which broadcast. Output: a where the condition holds, else b.
struct Where : NoFields {
  static constexpr std::string_view name = "where";
};

}  // namespace tuco::op
