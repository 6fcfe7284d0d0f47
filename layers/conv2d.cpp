#include "tuco/layers/conv2d.h"

#include <algorithm>

#include "tuco/core/error.h"
#include "tuco/layers/init.h"

namespace tuco {
namespace {

Conv2dOptions checked(const Conv2dOptions& o) {
  require<ShapeError>(o.in > 0 && o.out > 0,
                      "Conv2d: .in = {}, .out = {}, expected positive numbers", o.in, o.out);
  require<ShapeError>(o.groups > 0 && o.in % o.groups == 0 && o.out % o.groups == 0,
                      "Conv2d: .groups = {} does not divide .in = {} and .out = {}", o.groups, o.in,
                      o.out);
  for (const Hw& pair : {o.kernel, o.stride, o.dilation})
    require<ShapeError>(pair.h > 0 && pair.w > 0,
                        "Conv2d: kernel, stride or dilation of ({}, {}), expected positive numbers",
                        pair.h, pair.w);
  const Padding& p = o.padding.sides;
  require<ShapeError>(std::min({p.top, p.bottom, p.left, p.right}) >= 0,
                      "Conv2d: a negative padding");
  return o;
}

/// Padding before and after one side of SAME.
std::pair<int64_t, int64_t> same(int64_t size, int64_t kernel, int64_t stride, int64_t dilation) {
  const int64_t outputs = (size + stride - 1) / stride;
  const int64_t reach = (outputs - 1) * stride + (kernel - 1) * dilation + 1;
  const int64_t total = std::max<int64_t>(reach - size, 0);
  return {total / 2, total - total / 2};
}

std::string text(const Hw& pair) {
  return pair.h == pair.w ? fmt::format("{}", pair.h) : fmt::format("({}, {})", pair.h, pair.w);
}

}  // namespace

Conv2dBody::Conv2dBody(const Conv2dOptions& o) : options(checked(o)) {
  weight = add_parameter("weight", empty({o.out, o.kernel.h, o.kernel.w, o.in / o.groups}));
  kaiming_normal_(weight, {.fan = Fan::out, .groups = o.groups});
  if (o.bias) bias = add_parameter("bias", zeros({o.out}));
}

op::Conv2d Conv2dBody::attributes(const Shape& images) const {
  const Conv2dOptions& o = options;
  op::Conv2d op{o.stride, o.dilation, o.padding.sides, o.groups};
  if (o.padding.same) {
    require<ShapeError>(images.rank() == 4, "conv2d: images {}, expected (n, h, w, c)", images);
    const auto [top, bottom] = same(images[1], o.kernel.h, o.stride.h, o.dilation.h);
    const auto [left, right] = same(images[2], o.kernel.w, o.stride.w, o.dilation.w);
    op.padding = {top, bottom, left, right};
  }
  return op;
}

Tensor Conv2dBody::forward(const Tensor& images) {
  return conv2d(images, weight, bias, attributes(images.shape()));
}

std::string Conv2dBody::describe() const {
  const Conv2dOptions& o = options;
  std::string result = fmt::format("{} -> {}, kernel {}", o.in, o.out, text(o.kernel));
  if (o.stride != Hw(1)) result += ", stride " + text(o.stride);
  const Padding& p = o.padding.sides;
  if (o.padding.same)
    result += ", padding same";
  else if (p == Padding(p.top) && p.top != 0)
    result += fmt::format(", padding {}", p.top);
  else if (p != Padding(0))
    result += fmt::format(", padding ({}, {}, {}, {})", p.top, p.bottom, p.left, p.right);
  if (o.dilation != Hw(1)) result += ", dilation " + text(o.dilation);
  if (o.groups != 1) result += fmt::format(", groups {}", o.groups);
  return o.bias ? result : result + ", no bias";
}

}  // namespace tuco
