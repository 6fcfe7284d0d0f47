#include "tuco/layers/pool2d.h"

#include "tuco/autograd/functions.h"

namespace tuco {
namespace {

std::string describe_window(const op::PoolWindow& w) {
  const auto text = [](const Hw& pair) {
    return pair.h == pair.w ? fmt::format("{}", pair.h) : fmt::format("({}, {})", pair.h, pair.w);
  };
  std::string result = text(w.kernel);
  if (w.stride != w.kernel) result += ", stride " + text(w.stride);
  const Padding& p = w.padding;
  if (p != Padding(0))
    result += p == Padding(p.top)
                  ? fmt::format(", padding {}", p.top)
                  : fmt::format(", padding ({}, {}, {}, {})", p.top, p.bottom, p.left, p.right);
  if (w.ceil_mode) result += ", ceil";
  return result;
}

}  // namespace

Tensor MaxPool2dBody::forward(const Tensor& images) { return max_pool2d(images, window); }
std::string MaxPool2dBody::describe() const { return describe_window(window); }
Tensor AvgPool2dBody::forward(const Tensor& images) { return avg_pool2d(images, window); }
std::string AvgPool2dBody::describe() const { return describe_window(window); }
Tensor GlobalMaxPoolBody::forward(const Tensor& images) {
  return flatten(global_max_pool2d(images));
}
Tensor GlobalAvgPoolBody::forward(const Tensor& images) {
  return flatten(global_avg_pool2d(images));
}

}  // namespace tuco
