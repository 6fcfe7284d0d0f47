// Conv2d: convolution of NHWC images as a layer.
#pragma once
#include "tuco/autograd/functions.h"
#include "tuco/layers/module.h"

namespace tuco {

/// Padding such that the output has ceil(input / stride) rows and columns, what is odd going below
/// and to the right: TFLite's SAME.
struct Same {};

/// How a convolution is padded: a number for all sides, {top, bottom, left, right}, or Same{}.
struct ConvPadding {
  ConvPadding(int64_t all = 0) : sides(all) {}  // NOLINT: implicit by design
  ConvPadding(const Padding& p) : sides(p) {}   // NOLINT
  ConvPadding(Same) : same(true) {}             // NOLINT
  ConvPadding(int64_t top, int64_t bottom, int64_t left, int64_t right)
      : sides(top, bottom, left, right) {}
  Padding sides;
  bool same = false;
};

/// Options of Conv2d; kernel, stride and dilation are one number or {height, width}.
struct Conv2dOptions {
  /// Channels that come in and go out.
  int64_t in = 0, out = 0;
  Hw kernel = 1, stride = 1;
  ConvPadding padding = 0;
  Hw dilation = 1;
  /// Groups of channels that do not see each other; `in` groups make a depthwise convolution.
  int64_t groups = 1;
  bool bias = true;
};

struct Conv2dBody : Module::Body {
  /// The weight begins Kaiming normal (fan out, for ReLU), the bias 0. Throws ShapeError if the
  /// options do not fit together.
  explicit Conv2dBody(const Conv2dOptions& options);
  Tensor forward(const Tensor& images) override;
  std::string describe() const override;
  /// The op's attributes for images of such a shape: the padding's sides follow from it.
  op::Conv2d attributes(const Shape& images) const;

  const Conv2dOptions options;
  /// (out, kh, kw, in / groups).
  Parameter weight;
  /// (out,), or without a tensor.
  Parameter bias;
};

/// Images (n, h, w, in) to (n, oh, ow, out): Conv2d{{.in = 3, .out = 32, .kernel = 3}}.
class Conv2d : public ModuleOf<Conv2dBody> {
 public:
  using ModuleOf::ModuleOf;
  explicit Conv2d(const Conv2dOptions& options) : ModuleOf(options) {}
};

}  // namespace tuco
